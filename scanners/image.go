package scanners

import (
	"fmt"
	"strings"
)

// Platform is what an image runs on, in Go's words (linux, amd64).
type Platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant,omitzero"`
}

// ParsePlatform reads "os/arch" or "os/arch/variant".
func ParsePlatform(s string) (Platform, error) {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || parts[1] == "" {
		return Platform{}, fmt.Errorf("platform %q is not of the form os/architecture[/variant], for example linux/arm64", s)
	}
	p := Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}

// String is "os/arch" or "os/arch/variant"; empty when nothing is known.
func (p Platform) String() string {
	if p == (Platform{}) {
		return ""
	}
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// Satisfies says whether an image for p runs where want is asked for. A variant that is not asked for fits any.
func (p Platform) Satisfies(want Platform) bool {
	return p.OS == want.OS && p.Architecture == want.Architecture && (want.Variant == "" || p.Variant == want.Variant)
}

// Image is what an image says of itself, known before any of its layers is read.
type Image struct {
	ID         string   // digest of the image's configuration, sha256:…
	References []string // names it is known by, repository:tag first
	Platform   Platform
	Created    string  // RFC 3339 as stated by the image, "" when it states nothing
	Layers     []Layer // base first
}

// Name is what people call the image: its first reference, else its id.
func (i Image) Name() string {
	if len(i.References) > 0 {
		return i.References[0]
	}
	return i.ID
}

// Layer is one layer of an image.
type Layer struct {
	DiffID      string `json:"diffId"`               // digest of the uncompressed layer, sha256:…
	Index       int    `json:"index"`                // position in the image, base is 0
	Instruction string `json:"instruction,omitzero"` // what made it, secrets masked; empty when the history does not tell
}

// HistoryEntry is one step of an image's build history, in the words of the OCI image specification.
type HistoryEntry struct {
	CreatedBy  string
	Comment    string
	EmptyLayer bool
}

// Layers joins diff ids (base first) with the history of the build. When the history does not have one step per
// layer, no instruction is guessed.
func Layers(diffIDs []string, history []HistoryEntry) []Layer {
	layers := make([]Layer, len(diffIDs))
	for i, id := range diffIDs {
		layers[i] = Layer{DiffID: id, Index: i}
	}
	var steps []HistoryEntry
	for _, h := range history {
		if !h.EmptyLayer {
			steps = append(steps, h)
		}
	}
	if len(steps) != len(diffIDs) {
		return layers
	}
	for i, h := range steps {
		layers[i].Instruction = instruction(h)
	}
	return layers
}

// instruction turns a history entry into the Dockerfile instruction it came from, with secrets masked.
func instruction(h HistoryEntry) string {
	text := strings.TrimSpace(h.CreatedBy)
	if text == "" {
		return Mask(strings.TrimSpace(h.Comment))
	}
	text = strings.TrimSpace(strings.TrimSuffix(text, "# buildkit"))
	if rest, ok := strings.CutPrefix(text, "/bin/sh -c #(nop)"); ok {
		return Mask(strings.TrimSpace(rest))
	}
	if rest, ok := strings.CutPrefix(text, "/bin/sh -c "); ok {
		return Mask("RUN " + strings.TrimSpace(rest))
	}
	return Mask(strings.Replace(text, "RUN /bin/sh -c ", "RUN ", 1))
}
