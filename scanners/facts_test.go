package scanners_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll/scanners"
)

// Facts and findings are plain data: effective values that can be compared, kept and sent as they are.
func TestFactsArePlainData(t *testing.T) {
	for _, fact := range []any{
		scanners.Target{}, scanners.Asset{}, scanners.Package{}, scanners.Image{}, scanners.Layer{}, scanners.LayerFacts{},
		scanners.Finding{}, scanners.FixAction{}, scanners.Coverage{}, scanners.Run{}, scanners.Report{},
	} {
		for _, flaw := range flaws(reflect.TypeOf(fact)) {
			t.Error(flaw)
		}
	}
}

func TestFlaws(t *testing.T) {
	type inner struct{ Deep []map[string]*int }
	type outer struct {
		Fine   []string
		When   time.Time
		Unset  *string
		Drawer any
		Call   func()
		Stream chan int
		Inner  inner
		Self   []outer
	}
	want := []string{
		"outer.Unset is a ptr", "outer.Drawer is an interface", "outer.Call is a func", "outer.Stream is a chan",
		"outer.Inner.Deep is a ptr",
	}
	if diff := cmp.Diff(want, flaws(reflect.TypeFor[outer]())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// flaws names every field reachable from a type that is not plain data. Times are plain.
func flaws(root reflect.Type) []string {
	var found []string
	seen := map[reflect.Type]bool{reflect.TypeFor[time.Time](): true}
	var visit func(path string, t reflect.Type)
	visit = func(path string, t reflect.Type) {
		switch t.Kind() {
		case reflect.Interface:
			found = append(found, path+" is an interface")
		case reflect.Pointer, reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Uintptr:
			found = append(found, fmt.Sprintf("%s is a %s", path, t.Kind()))
		case reflect.Slice, reflect.Array:
			visit(path, t.Elem())
		case reflect.Map:
			visit(path, t.Key())
			visit(path, t.Elem())
		case reflect.Struct:
			if seen[t] {
				return
			}
			seen[t] = true
			for field := range t.NumField() {
				visit(path+"."+t.Field(field).Name, t.Field(field).Type)
			}
		}
	}
	visit(root.Name(), root)
	return found
}
