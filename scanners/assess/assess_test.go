package assess_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"plimsoll/scanners"
	"plimsoll/scanners/assess"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSharedLayersAreAnalysedOnce(t *testing.T) {
	shared := [][]byte{debian(t), npm(t, "lodash", "4.17.15"), npm(t, "qs", "6.7.0")}
	var piles []*pile
	for i := range 10 {
		own := npm(t, "own", fmt.Sprint(i+1))
		p := newPile(fmt.Sprintf("image%d", i), append(shared, own)...)
		p.before = func(context.Context, string) error {
			time.Sleep(time.Millisecond) // so that the others come while it is at it
			return nil
		}
		piles = append(piles, p)
	}
	store := newShelf()
	assessor := newAssessor(store)
	assessor.Workers = 10
	report := assessor.Images(t.Context(), sources(piles...))
	for id, n := range store.puts {
		if n != 1 {
			t.Errorf("layer %s was analysed %d times", id, n)
		}
	}
	if len(store.puts) != 13 {
		t.Errorf("%d layers were analysed, want 13", len(store.puts))
	}
	for i, line := range packages(report) {
		if want := fmt.Sprintf("image%d:1: openssl 3.0.9-1, lodash 4.17.15, own %d, qs 6.7.0", i, i+1); line != want {
			t.Errorf("got %q, want %q", line, want)
		}
	}
	if got := assessor.Progress(); got.Images != 10 || got.ImagesDone != 10 || got.Layers != 13 || got.LayersKnown != 0 || got.Bytes == 0 {
		t.Errorf("progress is %+v", got)
	}

	again := assessor.Images(t.Context(), sources(piles...))
	if diff := cmp.Diff(report.Assets, again.Assets); diff != "" {
		t.Errorf("the second run found something else (-first +second)\n%s", diff)
	}
	if diff := cmp.Diff(assess.Progress{Images: 10, ImagesDone: 10, LayersKnown: 13}, assessor.Progress()); diff != "" {
		t.Errorf("progress of the second run (-want +got)\n%s", diff)
	}
}

// A layer that one source claims and gives up comes from another that waited for it, and counts for both.
func TestGivenUpLayerComesFromAnother(t *testing.T) {
	const failing = 5
	for good := range failing + 1 { // which source has a layer that can be read
		t.Run(fmt.Sprint(good), func(t *testing.T) {
			base := debian(t)
			var piles []*pile
			var waiting sync.WaitGroup
			waiting.Add(failing) // all but the one that claimed the layer first
			for i := range failing + 1 {
				p := newPile(fmt.Sprintf("image%d", i), base)
				var once sync.Once
				p.refused = func(string) { once.Do(waiting.Done) }
				p.before = func(context.Context, string) error {
					waiting.Wait()
					if i == good {
						return nil
					}
					time.Sleep(5 * time.Millisecond) // time for those that ask again to be refused again
					return errors.New("the disk is broken")
				}
				piles = append(piles, p)
			}
			store := newShelf()
			assessor := newAssessor(store)
			assessor.Workers = failing + 1
			report := assessor.Images(t.Context(), sources(piles...))
			if got := coverage(report); len(got) > 0 {
				t.Errorf("coverage is %v", got)
			}
			if len(report.Assets) != failing+1 {
				t.Fatalf("%d images", len(report.Assets))
			}
			for _, line := range packages(report) {
				if !strings.HasSuffix(line, ": openssl 3.0.9-1") {
					t.Errorf("got %q", line)
				}
			}
			if n := store.puts[diffID(base)]; n != 1 {
				t.Errorf("the layer was analysed %d times", n)
			}
		})
	}
}

// A stream tells what a layer was only when it has passed. That counts even when somebody had given the layer up, and
// when it can't be stored.
func TestUnclaimedLayerMakesUpForAFailure(t *testing.T) {
	base := debian(t)
	broken, stream := newPile("broken", base), newPile("stream", base)
	delete(broken.layers, diffID(base))
	stream.unnamed = true
	store := newShelf()
	store.full = errors.New("no space left on device")
	assessor := newAssessor(store)
	assessor.Workers = 1
	report := assessor.Images(t.Context(), sources(broken, stream))
	if diff := cmp.Diff([]string{"broken:1: openssl 3.0.9-1", "stream:1: openssl 3.0.9-1"}, packages(report)); diff != "" {
		t.Errorf("packages (-want +got)\n%s", diff)
	}
}

func TestLayerThatNobodyCanRead(t *testing.T) {
	base, app := debian(t), npm(t, "lodash", "4.17.15")
	one, two, other := newPile("one", base, app), newPile("two", base), newPile("other", app)
	delete(one.layers, diffID(base))
	two.before = func(context.Context, string) error { return errors.New("input/output error") }
	report := newAssessor(newShelf()).Images(t.Context(), sources(one, two, other))
	want := []string{
		"packages failed layer 1 of one:1: there is no such layer here; what this layer added or removed is not accounted for",
		"packages failed layer 1 of two:1: input/output error; what this layer added or removed is not accounted for",
	}
	if diff := cmp.Diff(want, coverage(report)); diff != "" {
		t.Errorf("coverage (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"one:1: lodash 4.17.15", "other:1: lodash 4.17.15", "two:1: "}, packages(report)); diff != "" {
		t.Errorf("packages (-want +got)\n%s", diff)
	}
	for _, name := range []string{"one:1", "other:1"} {
		if n := len(findingsOf(report, name)); n == 0 {
			t.Errorf("nothing was found in %s", name)
		}
	}
}

func TestDamagedStore(t *testing.T) {
	damaged := fmt.Errorf("facts are damaged: %w", fs.ErrNotExist)
	tests := []struct {
		name  string
		spoil func(s *shelf, id string)
	}{
		{"the file was removed", func(s *shelf, id string) { s.broken[id] = damaged }},
		{"it cannot be read", func(s *shelf, id string) { s.broken[id] = fs.ErrPermission }},
		{"nor written", func(s *shelf, id string) { s.broken[id], s.full = damaged, fs.ErrPermission }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			store := newShelf()
			base := debian(t)
			if report := newAssessor(store).Images(t.Context(), sources(newPile("first", base))); len(coverage(report)) > 0 {
				t.Fatal(coverage(report))
			}
			tt.spoil(store, diffID(base))
			clear(store.puts)
			var piles []*pile
			for i := range 6 {
				piles = append(piles, newPile(fmt.Sprintf("image%d", i), base))
			}
			assessor := newAssessor(store)
			assessor.Workers = 6
			report := assessor.Images(t.Context(), sources(piles...))
			for _, line := range packages(report) {
				if !strings.HasSuffix(line, ": openssl 3.0.9-1") {
					t.Errorf("got %q", line)
				}
			}
			for _, line := range coverage(report) {
				if !strings.Contains(line, "partial layer store") {
					t.Error(line)
				}
			}
			if n := store.puts[diffID(base)]; n != 1 {
				t.Errorf("the layer was analysed %d times", n)
			}
		})
	}
}

// Two sources find the same stored facts damaged, the second when the first is already reading the layer again.
func TestDamageIsSeenTwice(t *testing.T) {
	base := debian(t)
	store := newShelf()
	newAssessor(store).Images(t.Context(), sources(newPile("first", base)))
	clear(store.puts)

	both, claimed, asked := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var gets, claims, refusals atomic.Int64
	damaged := &lateShelf{shelf: store, get: func() error {
		if gets.Add(1) == 1 {
			<-both
			return fs.ErrNotExist
		}
		close(both)
		<-claimed
		return fs.ErrNotExist
	}}
	var piles []*pile
	for _, name := range []string{"one", "two"} {
		p := newPile(name, base)
		p.before = func(context.Context, string) error {
			if claims.Add(1) == 1 {
				close(claimed)
				<-asked
			}
			return nil
		}
		p.refused = func(string) {
			if refusals.Add(1) == 3 { // each at first, and the second when it asks again
				close(asked)
			}
		}
		piles = append(piles, p)
	}
	report := newAssessor(damaged).Images(t.Context(), sources(piles...))
	if diff := cmp.Diff([]string{"one:1: openssl 3.0.9-1", "two:1: openssl 3.0.9-1"}, packages(report)); diff != "" {
		t.Errorf("packages (-want +got)\n%s", diff)
	}
	if n := store.puts[diffID(base)]; n != 1 {
		t.Errorf("the layer was analysed %d times", n)
	}
}

// lateShelf is a store whose answers come when the test wants.
type lateShelf struct {
	*shelf
	get func() error
}

func (s *lateShelf) Get(string) (scanners.LayerFacts, error) { return scanners.LayerFacts{}, s.get() }

func TestStoreThatCannotBeWritten(t *testing.T) {
	store := newShelf()
	store.full = errors.New("no space left on device")
	base := debian(t)
	report := newAssessor(store).Images(t.Context(), sources(newPile("one", base, npm(t, "lodash", "4.17.15")), newPile("two", base)))
	if diff := cmp.Diff([]string{"one:1: openssl 3.0.9-1, lodash 4.17.15", "two:1: openssl 3.0.9-1"}, packages(report)); diff != "" {
		t.Errorf("packages (-want +got)\n%s", diff)
	}
	want := []string{"packages partial layer store: what the layers hold could not be kept for the next run: no space left on device; make room, or choose another folder with --data"}
	if diff := cmp.Diff(want, coverage(report)); diff != "" {
		t.Errorf("coverage (-want +got)\n%s", diff)
	}
	if n := store.puts[diffID(base)]; n != 1 {
		t.Errorf("the shared layer was analysed %d times", n)
	}
}

func TestCancel(t *testing.T) {
	base, app := debian(t), npm(t, "lodash", "4.17.15")
	tests := []struct {
		name  string
		cause error
		after time.Duration // 0: stopped by hand
	}{
		{"canceled", context.Canceled, 0},
		{"out of time", context.DeadlineExceeded, 100 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			if tt.after > 0 {
				var release context.CancelFunc
				ctx, release = context.WithTimeout(ctx, tt.after)
				defer release()
			}
			// done is read; half gets its first layer from it and is stopped in its second; late never begins
			done, half, late := newPile("done", base), newPile("half", base, app), newPile("late", base)
			half.before = func(ctx context.Context, id string) error {
				if id == diffID(app) {
					if tt.after == 0 {
						stop()
					}
					<-ctx.Done()
				}
				return ctx.Err()
			}
			assessor := newAssessor(newShelf())
			assessor.Workers = 1
			report := assessor.Images(ctx, sources(done, half, late))
			if !report.Run.Canceled {
				t.Error("the report does not say that it was stopped")
			}
			if diff := cmp.Diff([]string{"done:1: openssl 3.0.9-1", "half:1: openssl 3.0.9-1"}, packages(report)); diff != "" {
				t.Errorf("packages (-want +got)\n%s", diff)
			}
			want := []string{
				"packages skipped late: stopped before all of it was looked at",
				"packages skipped layer 2 of half:1: " + tt.cause.Error() + "; what this layer added or removed is not accounted for",
			}
			if diff := cmp.Diff(want, coverage(report)); diff != "" {
				t.Errorf("coverage (-want +got)\n%s", diff)
			}
			if len(findingsOf(report, "done:1")) == 0 {
				t.Error("what was found before is not told")
			}
		})
	}
}

func TestCanceledBeforeItBegins(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	report := newAssessor(newShelf()).Images(ctx, sources(newPile("a", debian(t)), newPile("b", debian(t))))
	if !report.Run.Canceled || len(report.Findings) > 0 {
		t.Errorf("canceled is %v, %d findings", report.Run.Canceled, len(report.Findings))
	}
	for _, line := range coverage(report) {
		if !strings.HasPrefix(line, "packages skipped") && !strings.HasPrefix(line, "vulnerabilities") {
			t.Error(line)
		}
	}
}

// A source's own timeout is its failure, and no word of the user's.
func TestTimeoutOfASourceIsAFailure(t *testing.T) {
	p := newPile("slow", debian(t))
	p.images, p.err = nil, fmt.Errorf("ask the engine: %w", context.DeadlineExceeded)
	report := newAssessor(newShelf()).Images(t.Context(), sources(p))
	if diff := cmp.Diff([]string{"packages failed slow: ask the engine: context deadline exceeded"}, coverage(report)); diff != "" {
		t.Errorf("coverage (-want +got)\n%s", diff)
	}
	if report.Run.Canceled {
		t.Error("the report says that the run was stopped")
	}
}

func TestCoverage(t *testing.T) {
	tests := []struct {
		name   string
		layers [][]byte
		want   []string
	}{
		{"all is well", [][]byte{debian(t)}, []string{}},
		{"language packages alone", [][]byte{npm(t, "lodash", "4.17.15")}, []string{}},
		{"no layers", nil, []string{"packages failed it:1: the image has no layers, so there is nothing to assess; check that the right image was built"}},
		{"no os-release", [][]byte{layer(t, "var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nVersion: 1\n")},
			[]string{"vulnerabilities skipped it:1: the image does not say which distribution it is (no os-release)"}},
		{"a system nobody knows", [][]byte{system(t, "plan9", "4", "rc", "1")}, []string{"vulnerabilities skipped plan9 4: no advisories are known for this system"}},
		{"a system past its end", [][]byte{system(t, "debian", "9", "openssl", "1.0")}, []string{"vulnerabilities "}},
		{"a file that is damaged", [][]byte{debian(t), layer(t, "app/node_modules/a/package.json", `{"name":`)}, []string{"packages partial app/node_modules/a/package.json: "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			report := newAssessor(newShelf()).Images(t.Context(), sources(newPile("it", tt.layers...)))
			got := coverage(report)
			if len(got) != len(tt.want) {
				t.Fatalf("coverage is %q, want %q", got, tt.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tt.want[i]) {
					t.Errorf("got %q, want %q", got[i], tt.want[i])
				}
			}
			for _, c := range report.Coverage {
				if (c.State == scanners.CoverageDone) != (c.Reason == "") {
					t.Errorf("state %s with the reason %q", c.State, c.Reason)
				}
			}
			if len(report.Coverage) < 2 {
				t.Errorf("coverage is %v: one of the scanners says nothing", report.Coverage)
			}
			if len(report.Assets) != 1 {
				t.Errorf("%d images", len(report.Assets))
			}
		})
	}
}

func TestWhatASourceCouldNotRead(t *testing.T) {
	gone, part := newPile("gone"), newPile("part", debian(t))
	gone.images, gone.err = nil, errors.New("no such file: check the path")
	part.err = errors.New(`image "b" is not there for linux/arm64`)
	report := newAssessor(newShelf()).Images(t.Context(), sources(gone, part))
	want := []string{"packages failed gone: no such file: check the path", `packages failed part: image "b" is not there for linux/arm64`}
	if diff := cmp.Diff(want, coverage(report)); diff != "" {
		t.Errorf("coverage (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"part:1: openssl 3.0.9-1"}, packages(report)); diff != "" {
		t.Errorf("packages (-want +got)\n%s", diff)
	}
}

// Each image of a target is one asset: asked for twice it is there once, and two of one name are told apart.
func TestAssetsHaveKeysOfTheirOwn(t *testing.T) {
	p := newPile("a", debian(t))
	p.add("a:1", npm(t, "lodash", "4.17.15"))
	twice := *p
	elsewhere := newPile("b", debian(t))
	elsewhere.images[0].References = []string{"a:1"}
	report := newAssessor(newShelf()).Images(t.Context(), sources(p, &twice, elsewhere))
	var keys []string
	for _, a := range report.Assets {
		keys = append(keys, a.Key)
	}
	want := []string{"image:archive:a:a:1", "image:archive:a:a:1@" + p.images[1].ID, "image:archive:b:a:1"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("keys (-want +got)\n%s", diff)
	}
	if len(report.Targets) != 2 {
		t.Errorf("targets are %v", report.Targets)
	}
	if diff := cmp.Diff([]string{"a", "a", "b"}, report.Run.Request); diff != "" {
		t.Errorf("request (-want +got)\n%s", diff)
	}
}

// However the work is spread, the same facts give the same report.
func TestReportDoesNotDependOnTheOrderOfWork(t *testing.T) {
	first := ""
	for _, workers := range []int{1, 2, 3, 8, 8, 8} {
		var piles []*pile
		base := debian(t)
		for i := range 8 {
			p := newPile(fmt.Sprintf("image%d", i), base, npm(t, "lodash", "4.17.15"), npm(t, "qs", fmt.Sprintf("6.7.%d", i%3)))
			p.before = func(context.Context, string) error {
				time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
				return nil
			}
			switch i {
			case 2: // others have it
				delete(p.layers, diffID(base))
			case 4: // nobody has it
				p.add("broken:1", layer(t, "lost", "x"))
				delete(p.layers, diffID(layer(t, "lost", "x")))
			case 5: // the same one
				p.add("broken:1", layer(t, "lost", "x"))
				delete(p.layers, diffID(layer(t, "lost", "x")))
			}
			piles = append(piles, p)
		}
		assessor := newAssessor(newShelf())
		assessor.Workers = workers
		report := assessor.Images(t.Context(), sources(piles...))
		report.Run.ID = ""
		data, err := json.MarshalIndent(report, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(data)
			if len(coverage(report)) != 2 || len(report.Findings) < 20 {
				t.Errorf("coverage is %v, %d findings", coverage(report), len(report.Findings))
			}
		}
		if diff := cmp.Diff(first, string(data)); diff != "" {
			t.Errorf("with %d workers (-first +now)\n%s", workers, diff)
		}
	}
}

func TestWorkersBoundWhatIsReadAtATime(t *testing.T) {
	var now, most atomic.Int64
	var piles []*pile
	for i := range 6 {
		p := newPile(fmt.Sprintf("image%d", i))
		for j := range 6 {
			p.add(fmt.Sprintf("i%d-%d", i, j), npm(t, "own", fmt.Sprintf("%d.%d", i, j)))
		}
		piles = append(piles, p)
	}
	store := &slowShelf{shelf: newShelf(), now: &now, most: &most}
	assessor := newAssessor(store)
	assessor.Workers = 2
	assessor.Images(t.Context(), sources(piles...))
	if most.Load() != 2 {
		t.Errorf("%d layers were in work at a time, want 2", most.Load())
	}
}

// slowShelf counts how many layers are being kept at the same time.
type slowShelf struct {
	*shelf
	now, most *atomic.Int64
}

func (s *slowShelf) Put(facts scanners.LayerFacts) error {
	n := s.now.Add(1)
	defer s.now.Add(-1)
	for old := s.most.Load(); n > old && !s.most.CompareAndSwap(old, n); old = s.most.Load() {
	}
	time.Sleep(2 * time.Millisecond)
	return s.shelf.Put(facts)
}

func TestRun(t *testing.T) {
	assessor := newAssessor(newShelf())
	clock := noon
	assessor.Now = func() time.Time {
		defer func() { clock = clock.Add(time.Second) }()
		return clock.In(time.FixedZone("elsewhere", 3600))
	}
	one, two := assessor.Images(t.Context(), nil).Run, assessor.Images(t.Context(), nil).Run
	if one.ID == two.ID || len(one.ID) != 32 {
		t.Errorf("ids are %q and %q", one.ID, two.ID)
	}
	one.ID = ""
	want := scanners.Run{Kind: "image", Version: "test", StartedAt: noon, EndedAt: noon.Add(time.Second), Database: assessor.Database.Info()}
	if diff := cmp.Diff(want, one); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// findingsOf are the findings of the image of that name.
func findingsOf(r scanners.Report, name string) []scanners.Finding {
	var found []scanners.Finding
	for _, a := range r.Assets {
		for _, f := range r.Findings {
			if a.Name == name && f.Asset == a.Key {
				found = append(found, f)
			}
		}
	}
	return found
}
