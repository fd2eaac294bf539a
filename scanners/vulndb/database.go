package vulndb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"plimsoll/scanners"
)

// Names of the files that make a database, as trivy-db's artifact has them, and of the one that [Store] adds.
const (
	factsFile    = "trivy.db"
	metadataFile = "metadata.json"
	digestFile   = "digest"
)

// KindTrivy is the kind of a database in trivy-db's format.
const KindTrivy = "trivy-db"

// Bounds of what a Database remembers: records of packages, and details of advisories.
const (
	rememberedRecords = 200_000
	rememberedDetails = 8_000
)

// errDamaged is what every kind of damage is to the user: the next step is the same.
var errDamaged = errors.New("the vulnerability database is damaged: fetch it again with `plimsoll vulndb update`")

// Database answers which advisories concern a package. It is safe for concurrent use, and never changes once opened.
type Database struct {
	info    scanners.DatabaseInfo
	facts   facts
	buckets []string // ascending
	rules   *cache[ruleKey, *ruleSet]
	details *cache[string, *detail]
}

// facts is where a Database reads from: a bbolt file or the compiled-in table. Its methods are safe for concurrent use.
type facts interface {
	// buckets are the names of all buckets, ascending.
	buckets() ([]string, error)
	// origin is the data source of a bucket; the zero value when none is stated.
	origin(bucket string) (origin, error)
	// records calls visit for what a bucket has on a package; data is only valid during the call.
	records(bucket, name string, visit func(id string, data []byte)) error
	// detail gives the stored details of an advisory to read; read is not called when there are none.
	detail(id string, read func(data []byte)) error
	close() error
}

// Open opens the database in dir, which holds trivy.db and metadata.json, or has a folder db that does (the shape of
// Trivy's cache). It reads a few pages only. The caller closes the database. Its files may be removed while it is open,
// where the operating system allows that.
func Open(dir string) (*Database, error) {
	folder, err := folderOf(dir)
	if err != nil {
		return nil, err
	}
	info, err := readMetadata(filepath.Join(folder, metadataFile))
	if err != nil {
		return nil, err
	}
	info.Digest = readDigest(folder)
	bolt, err := openBolt(filepath.Join(folder, factsFile))
	if err != nil {
		return nil, err
	}
	db, err := newDatabase(info, bolt)
	if err != nil {
		return nil, errors.Join(err, bolt.close())
	}
	return db, nil
}

// folderOf is the folder that holds the two files: dir or its folder db.
func folderOf(dir string) (string, error) {
	for _, folder := range []string{dir, filepath.Join(dir, "db")} {
		_, err := os.Stat(filepath.Join(folder, factsFile))
		if err == nil {
			return folder, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return "", fmt.Errorf("open vulnerability database: %w", err)
		}
	}
	return "", fmt.Errorf("no vulnerability database in %q: it needs the files %s and %s; fetch them with `plimsoll vulndb update`",
		dir, factsFile, metadataFile)
}

func newDatabase(info scanners.DatabaseInfo, f facts) (*Database, error) {
	buckets, err := f.buckets()
	if err != nil {
		return nil, err
	}
	return &Database{
		info:    info,
		facts:   f,
		buckets: buckets,
		rules:   newCache[ruleKey, *ruleSet](rememberedRecords),
		details: newCache[string, *detail](rememberedDetails),
	}, nil
}

// Info tells which database it is and how old its facts are.
func (d *Database) Info() scanners.DatabaseInfo { return d.info }

// Answers says whether the database has advisories for the distribution's release.
func (d *Database) Answers(dist scanners.Distribution) bool {
	f, release := lookUp(dist)
	if f == nil {
		return false
	}
	_, found := slices.BinarySearch(d.buckets, f.bucketOf(release))
	return found
}

// Close lets go of the files. Match answers with gaps afterwards.
func (d *Database) Close() error { return d.facts.close() }

// guard turns a panic, which version libraries may end in when they are fed rubbish, into an error.
func guard(do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it could not be judged: %v", r)
		}
	}()
	return do()
}
