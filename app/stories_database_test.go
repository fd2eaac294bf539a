package app_test

import (
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/rogpeppe/go-internal/testscript"
	"go.etcd.io/bbolt"
)

// advisories are what the database of the stories holds: buckets down to a key and its value, as trivy-db nests them.
var advisories = [][]string{
	{"data-source", "debian 12", `{"ID": "debian", "Name": "Debian Security Tracker", "URL": "https://security-tracker.debian.org/tracker/"}`},
	{"debian 12", "curl", "CVE-2031-0001", `{"FixedVersion": "7.88.1-10+deb12u9"}`},
	{"debian 12", "zlib", "CVE-2031-0002", `{"Status": 2}`},
	{"vulnerability", "CVE-2031-0001", `{"Title": "curl reads beyond its buffer", "Severity": "HIGH", "VendorSeverity": {"debian": 3}}`},
	{"vulnerability", "CVE-2031-0002", `{"Title": "zlib counts wrong", "Severity": "LOW", "VendorSeverity": {"debian": 1}}`},
}

// database DIR writes a small vulnerability database of schema 2 into a folder.
func writeDatabase(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: database DIR")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o700))
	const metadata = `{"Version": 2, "UpdatedAt": "2024-02-03T04:05:06Z", "NextUpdate": "2024-02-04T04:05:06Z"}`
	ts.Check(os.WriteFile(filepath.Join(dir, "metadata.json"), []byte(metadata), 0o600))
	db, err := bbolt.Open(filepath.Join(dir, "trivy.db"), 0o600, nil)
	ts.Check(err)
	ts.Check(db.Update(func(tx *bbolt.Tx) error {
		for _, a := range advisories {
			if err := put(tx, a); err != nil {
				return err
			}
		}
		return nil
	}))
	ts.Check(db.Close())
}

func put(tx *bbolt.Tx, path []string) error {
	bucket, err := tx.CreateBucketIfNotExists([]byte(path[0]))
	for _, name := range path[1 : len(path)-2] {
		if err != nil {
			return err
		}
		bucket, err = bucket.CreateBucketIfNotExists([]byte(name))
	}
	if err != nil {
		return err
	}
	return bucket.Put([]byte(path[len(path)-2]), []byte(path[len(path)-1]))
}

// registry FILE serves a registry on loopback until the story ends. $REGISTRY/trivy-db:2 in it has FILE as its layer.
func serveRegistry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: registry FILE")
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	ts.Defer(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	ref, err := name.ParseReference(host+"/trivy-db:2", name.Insecure)
	ts.Check(err)
	artifact, err := mutate.AppendLayers(empty.Image, static.NewLayer(data, "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"))
	ts.Check(err)
	ts.Check(remote.Write(ref, artifact))
	ts.Setenv("REGISTRY", host)
}

// socket dead|closed makes a socket at $SOCKET until the story ends: one that nobody listens on any more, or one that
// its owner alone may use. It lies in a folder of its own, because a socket's path may have 100 bytes or so.
func makeSocket(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || args[0] != "dead" && args[0] != "closed" {
		ts.Fatalf("usage: socket dead|closed")
	}
	dir, err := os.MkdirTemp("", "story")
	ts.Check(err)
	ts.Defer(func() { _ = os.RemoveAll(dir) })
	ts.Check(os.Chmod(dir, 0o755))
	path := filepath.Join(dir, "docker.sock")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	ts.Check(err)
	ts.Check(os.Chmod(path, 0o600))
	ts.Setenv("SOCKET", path)
	if args[0] == "closed" {
		ts.Defer(func() { _ = listener.Close() })
		return
	}
	listener.SetUnlinkOnClose(false)
	ts.Check(listener.Close())
}
