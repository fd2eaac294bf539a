package image

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"testing"

	"plimsoll/scanners"
)

// shapes are the digests of what was stored under each version of the analyser.
var shapes = map[int]string{1: "b6dabc0de3b61b63"}

// TestVersionStandsForAShape guards what is stored: layer facts of another shape must have another version, or old ones
// would be read as something that they are not.
func TestVersionStandsForAShape(t *testing.T) {
	sum := sha256.Sum256([]byte(shape(reflect.TypeFor[scanners.LayerFacts]())))
	if got := hex.EncodeToString(sum[:8]); got != shapes[Version] {
		t.Errorf("scanners.LayerFacts has the shape %s, but version %d stands for %q: raise image.Version and add a row", got, Version, shapes[Version])
	}
}

// shape writes a type out, field by field.
func shape(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct:
		text := t.Name() + "{"
		for i := range t.NumField() {
			text += t.Field(i).Name + " " + shape(t.Field(i).Type) + ";"
		}
		return text + "}"
	case reflect.Slice:
		return "[]" + shape(t.Elem())
	default:
		return fmt.Sprint(t.Kind())
	}
}
