package scanners

import (
	"context"
	"errors"
	"io"
)

// ErrFolder means that a layer's folder can't be read file by file and the layer has to be read another way.
var ErrFolder = errors.New("the layer's folder uses overlayfs features that can't be read file by file")

// ImageSource is a place to read images from: one image of an engine, or all that an archive holds.
type ImageSource interface {
	// Target is the place.
	Target() Target
	// Name is what was asked for, in the words of who asked.
	Name() string
	// Read returns what the images say of themselves and hands the content of each layer that the sink claims to the
	// sink, several at a time where the place allows it. Layers that are known already cost no bytes. The error tells
	// what of the source could not be read beside the images that are returned; a layer that could not be read is told
	// to the sink instead.
	Read(ctx context.Context, sink LayerSink) ([]Image, error)
}

// LayerSink takes the content of layers. It is safe for concurrent use, and bounds how many are read at a time.
type LayerSink interface {
	// Claim says whether the caller has to provide the layer: false when it is known, or another source is on it.
	// A claimed layer must end in one successful Read or in Fail.
	Claim(diffID string) bool
	// Read consumes the content of one layer before it returns, and returns what is wrong with it. A layer whose diff id
	// is not known beforehand needs no claim.
	Read(ctx context.Context, content LayerContent) error
	// Fail gives a claimed layer up.
	Fail(diffID string, err error)
}

// LayerContent is the content of one layer, in one of two shapes: a folder, or a tar stream.
type LayerContent struct {
	DiffID string    // "" when the place can't tell before the content is read
	Dir    string    // folder in the format of overlayfs upper directories; trusted to be the layer
	Tar    io.Reader // tar stream, as it is or compressed; verified against DiffID when that is known
}
