package storage

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"plimsoll/scanners"
)

// Layers keeps the facts of layers by diff id and version of the analyser, one file a layer. Any number of processes may
// use the same folder at the same time: a file appears whole or not at all, and the same layer always has the same facts.
type Layers struct{ dir string }

// OpenLayers uses the folder DIR/layers/vVERSION, which is made when the first layer is kept.
func OpenLayers(dir string, version int) Layers {
	return Layers{filepath.Join(dir, "layers", "v"+strconv.Itoa(version))}
}

// Has says whether a layer is known. It reads nothing.
func (l Layers) Has(diffID string) bool {
	file, ok := l.file(diffID)
	if !ok {
		return false
	}
	_, err := os.Stat(file)
	return err == nil
}

// Get gives a layer's facts. A file that can't be read is removed and reported as fs.ErrNotExist, so that the layer is
// read again.
func (l Layers) Get(diffID string) (scanners.LayerFacts, error) {
	file, ok := l.file(diffID)
	if !ok {
		return scanners.LayerFacts{}, fs.ErrNotExist
	}
	var facts scanners.LayerFacts
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return scanners.LayerFacts{}, fmt.Errorf("read facts of layer: %w", err)
	case err == nil:
		facts, err = decodeLayer(data)
	}
	if err != nil || facts.DiffID != diffID {
		_ = os.Remove(file)
		return scanners.LayerFacts{}, fmt.Errorf("facts of layer %s are damaged: %w", diffID, fs.ErrNotExist)
	}
	return facts, nil
}

// Put keeps a layer's facts.
func (l Layers) Put(facts scanners.LayerFacts) error {
	file, ok := l.file(facts.DiffID)
	if !ok {
		return fmt.Errorf("keep facts of layer: %q is not a digest", facts.DiffID)
	}
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return fmt.Errorf("keep facts of layer: %w", err)
	}
	data, err := encodeLayer(facts)
	if err != nil {
		return err
	}
	return writeWhole(file, data)
}

// file is where a layer's facts lie. Only well-formed digests have a place, so that none leads out of the folder.
func (l Layers) file(diffID string) (string, bool) {
	digits, ok := strings.CutPrefix(diffID, "sha256:")
	if !ok || len(digits) != 64 || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", false
	}
	return filepath.Join(l.dir, digits), true
}

// checksumSize is what precedes the facts in a file: their CRC-32 (IEEE), in hexadecimal.
const checksumSize = 8

func encodeLayer(facts scanners.LayerFacts) ([]byte, error) {
	var buf bytes.Buffer
	buf.Write(make([]byte, checksumSize))
	if err := gob.NewEncoder(&buf).Encode(facts); err != nil {
		return nil, fmt.Errorf("encode facts of layer: %w", err)
	}
	data := buf.Bytes()
	copy(data, fmt.Sprintf("%08x", crc32.ChecksumIEEE(data[checksumSize:])))
	return data, nil
}

func decodeLayer(data []byte) (scanners.LayerFacts, error) {
	var facts scanners.LayerFacts
	if len(data) < checksumSize || string(data[:checksumSize]) != fmt.Sprintf("%08x", crc32.ChecksumIEEE(data[checksumSize:])) {
		return facts, errors.New("checksum does not fit")
	}
	err := gob.NewDecoder(bytes.NewReader(data[checksumSize:])).Decode(&facts)
	return facts, err
}

// writeWhole makes a file appear with all its content or not at all, also when several processes write it.
func writeWhole(file string, data []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return fmt.Errorf("write %q: %w", file, err)
	}
	_, err = temp.Write(data)
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temp.Name(), file)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return fmt.Errorf("write %q: %w", file, err)
	}
	return nil
}
