package archive

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestBoundedReader(t *testing.T) {
	tests := []struct {
		name    string
		out, in int64 // bytes that have passed
		bomb    bool
	}{
		{"little", 1 << 20, 1, false},
		{"all that is free", freeOutput - 1, 1, false},
		{"beyond, from next to nothing", freeOutput, 1000, true},
		{"beyond, from enough", freeOutput, freeOutput / maxRatio, false},
		{"far beyond, from enough", 100 * freeOutput, freeOutput, false},
		{"far beyond, from too little", 300 * freeOutput, freeOutput, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &boundedReader{r: strings.NewReader("x"), in: &countingReader{n: tt.in}, out: tt.out}
			_, err := io.ReadAll(b)
			if errors.Is(err, errBomb) != tt.bomb {
				t.Errorf("error is %v", err)
			}
		})
	}
}
