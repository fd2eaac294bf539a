package report_test

import (
	"reflect"
	"testing"
	"time"

	"plimsoll/scanners"
)

// filledReport is a report in which every text of every part is the same, so that all references between its parts
// hold, every list has two entries and every number and time is set.
func filledReport(text string) scanners.Report {
	var r scanners.Report
	fill(reflect.ValueOf(&r).Elem(), text)
	return r
}

func fill(v reflect.Value, text string) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(started))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int64:
		v.SetInt(1)
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	default:
		panic("a report holds a " + v.Kind().String() + ", which fill does not know")
	}
}

func TestFilledReportLeavesNothingOut(t *testing.T) {
	empty(t, "report", reflect.ValueOf(filledReport("x")))
}

func empty(t *testing.T, name string, v reflect.Value) {
	if v.IsZero() {
		t.Errorf("%s is empty", name)
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			empty(t, name+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			empty(t, name, v.Index(i))
		}
	}
}
