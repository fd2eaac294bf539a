package assess_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"plimsoll/scanners"
	"plimsoll/scanners/assess"
	"plimsoll/scanners/vulndb"
)

// pile is a source whose images lie in memory, and which can be told to fail.
type pile struct {
	name   string
	target string // "" for one of its own
	images []scanners.Image
	layers map[string][]byte // tars by diff id; one that is missing can't be read
	err    error             // what could not be read besides

	// unnamed hands layers on without saying which they are, and gives those up that are still missing then.
	unnamed bool
	// before is called for each layer that was claimed; its error gives the layer up.
	before func(ctx context.Context, diffID string) error
	// refused is called for each layer that somebody else has in hand.
	refused func(diffID string)
}

func (p *pile) Name() string { return p.name }

func (p *pile) Target() scanners.Target {
	address := p.target
	if address == "" {
		address = p.name
	}
	return scanners.Target{Key: "archive:" + address, Kind: scanners.TargetArchive, Name: address, Address: address}
}

func (p *pile) Read(ctx context.Context, sink scanners.LayerSink) ([]scanners.Image, error) {
	if p.unnamed {
		for _, data := range p.layers {
			if err := sink.Read(ctx, scanners.LayerContent{Tar: bytes.NewReader(data)}); err != nil {
				return nil, err
			}
		}
		clear(p.layers)
	}
	var running sync.WaitGroup
	for _, img := range p.images {
		for _, l := range img.Layers {
			if !sink.Claim(l.DiffID) {
				if p.refused != nil {
					p.refused(l.DiffID)
				}
				continue
			}
			running.Go(func() {
				if err := p.layer(ctx, l.DiffID, sink); err != nil {
					sink.Fail(l.DiffID, err)
				}
			})
		}
	}
	running.Wait()
	return p.images, p.err
}

func (p *pile) layer(ctx context.Context, diffID string, sink scanners.LayerSink) error {
	if p.before != nil {
		if err := p.before(ctx, diffID); err != nil {
			return err
		}
	}
	data, ok := p.layers[diffID]
	if !ok {
		return errors.New("there is no such layer here")
	}
	return sink.Read(ctx, scanners.LayerContent{DiffID: diffID, Tar: bytes.NewReader(data)})
}

// newPile is a source with one image of the given layers.
func newPile(name string, layers ...[]byte) *pile {
	p := &pile{name: name, layers: make(map[string][]byte)}
	p.add(name+":1", layers...)
	return p
}

func (p *pile) add(ref string, layers ...[]byte) {
	var ids []string
	for _, l := range layers {
		id := diffID(l)
		ids = append(ids, id)
		p.layers[id] = l
	}
	p.images = append(p.images, scanners.Image{
		ID:         digest.FromString(ref + fmt.Sprint(ids)).String(),
		References: []string{ref},
		Platform:   scanners.Platform{OS: "linux", Architecture: "amd64"},
		Layers:     scanners.Layers(ids, nil),
	})
}

func diffID(layer []byte) string { return digest.FromBytes(layer).String() }

// layer makes a tar of files: name, content, name, content ….
func layer(t testing.TB, files ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for i := 0; i < len(files); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: files[i], Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[i+1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// system is a layer of a distribution with one package.
func system(t testing.TB, id, version, name, installed string) []byte {
	t.Helper()
	status := fmt.Sprintf("Package: %s\nStatus: install ok installed\nArchitecture: amd64\nVersion: %s\n\n", name, installed)
	return layer(t, "etc/os-release", fmt.Sprintf("ID=%s\nVERSION_ID=%s\nPRETTY_NAME=\"%s %s\"\n", id, version, id, version), "var/lib/dpkg/status", status)
}

func debian(t testing.TB) []byte { return system(t, "debian", "12", "openssl", "3.0.9-1") }

func npm(t testing.TB, name, version string) []byte {
	t.Helper()
	return layer(t, "app/node_modules/"+name+"/package.json", fmt.Sprintf(`{"name":%q,"version":%q}`, name, version))
}

// shelf is a store in memory.
type shelf struct {
	mu     sync.Mutex
	facts  map[string]scanners.LayerFacts
	puts   map[string]int
	broken map[string]error // what Get says of a layer, whether it was kept or not
	full   error            // what Put says
}

func newShelf() *shelf {
	return &shelf{facts: make(map[string]scanners.LayerFacts), puts: make(map[string]int), broken: make(map[string]error)}
}

func (s *shelf) Has(diffID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.facts[diffID]
	return known
}

func (s *shelf) Get(diffID string) (scanners.LayerFacts, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.broken[diffID]; err != nil {
		return scanners.LayerFacts{}, err
	}
	facts, known := s.facts[diffID]
	if !known {
		return scanners.LayerFacts{}, fs.ErrNotExist
	}
	return facts, nil
}

func (s *shelf) Put(facts scanners.LayerFacts) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts[facts.DiffID]++
	if s.full != nil {
		return s.full
	}
	s.facts[facts.DiffID] = facts
	return nil
}

// noon is when the tests' runs begin: after the end of some releases and before that of others.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newAssessor(store assess.LayerStore) *assess.Assessor {
	return &assess.Assessor{Store: store, Database: vulndb.Starter(), Workers: 4, Now: func() time.Time { return noon }, Version: "test"}
}

func sources(piles ...*pile) []scanners.ImageSource {
	var list []scanners.ImageSource
	for _, p := range piles {
		list = append(list, p)
	}
	return list
}

// packages lists what a report says of each image: "image: name version, name version".
func packages(r scanners.Report) []string {
	list := []string{}
	for _, a := range r.Assets {
		var names []string
		for _, p := range a.Packages {
			names = append(names, p.Name+" "+p.Version)
		}
		list = append(list, a.Name+": "+strings.Join(names, ", "))
	}
	return list
}

// coverage lists what a report could look at, other than completely: "scanner state subject: reason".
func coverage(r scanners.Report) []string {
	list := []string{}
	for _, c := range r.Coverage {
		if c.State != scanners.CoverageDone {
			list = append(list, fmt.Sprintf("%s %s %s: %s", c.Scanner, c.State, c.Subject, c.Reason))
		}
	}
	return list
}
