package app_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
)

// mkimage DIR NAME [LAYER...] writes an image as `docker save` does since version 25, unpacked: an OCI image layout that
// is a docker-archive too. A layer is a folder, or a file that becomes the layer as it is. \e in a name is the escape
// character.
func makeImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: mkimage DIR NAME [LAYER...]")
	}
	dir, name := ts.MkAbs(args[0]), strings.ReplaceAll(args[1], `\e`, "\x1b")
	ts.Check(os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o777))
	var layers, history []map[string]any
	diffIDs, files := []string{}, []string{}
	for _, layer := range args[2:] {
		digest, size := addLayer(ts, dir, ts.MkAbs(layer))
		layers = append(layers, map[string]any{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": size})
		history = append(history, map[string]any{"created_by": "COPY " + layer + " / # buildkit"})
		diffIDs, files = append(diffIDs, digest), append(files, blob(digest))
	}
	config := addDocument(ts, dir, map[string]any{
		"architecture": "amd64", "os": "linux", "history": history, "rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs},
	})
	config["mediaType"] = "application/vnd.oci.image.config.v1+json"
	manifest := addDocument(ts, dir, map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": layers,
	})
	manifest["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
	manifest["annotations"] = map[string]any{"org.opencontainers.image.ref.name": name}
	writeJSON(ts, filepath.Join(dir, "index.json"), map[string]any{"schemaVersion": 2, "manifests": []any{manifest}})
	writeJSON(ts, filepath.Join(dir, "oci-layout"), map[string]any{"imageLayoutVersion": "1.0.0"})
	writeJSON(ts, filepath.Join(dir, "manifest.json"), []any{
		map[string]any{"Config": blob(config["digest"].(string)), "RepoTags": []string{name}, "Layers": files},
	})
}

// blob is where a layout keeps what has a digest.
func blob(digest string) string { return "blobs/sha256/" + strings.TrimPrefix(digest, "sha256:") }

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// addLayer puts a layer into a layout. The digest of one larger than 1 GiB is made up: nobody reads it to its end.
func addLayer(ts *testscript.TestScript, dir, layer string) (digest string, size int64) {
	info, err := os.Stat(layer)
	ts.Check(err)
	if info.IsDir() {
		var data bytes.Buffer
		ts.Check(writeTree(&data, layer))
		digest = digestOf(data.Bytes())
		ts.Check(os.WriteFile(filepath.Join(dir, blob(digest)), data.Bytes(), 0o600))
		return digest, int64(data.Len())
	}
	if digest = digestOf([]byte(layer)); info.Size() <= 1<<30 {
		data, err := os.ReadFile(layer)
		ts.Check(err)
		digest = digestOf(data)
	}
	ts.Check(os.Rename(layer, filepath.Join(dir, blob(digest))))
	return digest, info.Size()
}

// addDocument puts a JSON document into a layout and describes it.
func addDocument(ts *testscript.TestScript, dir string, content any) map[string]any {
	data, err := json.Marshal(content)
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(dir, blob(digestOf(data))), data, 0o600))
	return map[string]any{"digest": digestOf(data), "size": len(data)}
}

func writeJSON(ts *testscript.TestScript, file string, content any) {
	data, err := json.Marshal(content)
	ts.Check(err)
	ts.Check(os.WriteFile(file, data, 0o600))
}

// writeTree writes what a folder holds as a tar.
func writeTree(w io.Writer, dir string) error {
	archive := tar.NewWriter(w)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return member(archive, filepath.ToSlash(name), string(data))
	})
	if err != nil {
		return err
	}
	return archive.Close()
}

func member(archive *tar.Writer, name, content string) error {
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := io.WriteString(archive, content)
	return err
}

// pack FILE DIR packs a folder as a tar, compressed when FILE ends in .gz or .zst.
func pack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: pack FILE DIR")
	}
	file, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	out := compressor(ts, file, args[0])
	ts.Check(writeTree(out, ts.MkAbs(args[1])))
	ts.Check(out.Close())
	ts.Check(file.Close())
}

// compressor compresses as a file's name says.
func compressor(ts *testscript.TestScript, w io.Writer, name string) io.WriteCloser {
	switch filepath.Ext(name) {
	case ".gz":
		return gzip.NewWriter(w)
	case ".zst":
		z, err := zstd.NewWriter(w)
		ts.Check(err)
		return z
	default:
		return plain{w}
	}
}

type plain struct{ io.Writer }

func (plain) Close() error { return nil }

// load DIR NAME loads an image into the engine at DOCKER_HOST until the story ends.
func loadImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: load DIR NAME")
	}
	var archive bytes.Buffer
	ts.Check(writeTree(&archive, ts.MkAbs(args[0])))
	client := engineClient(ts.Getenv("DOCKER_HOST"))
	defer client.CloseIdleConnections()
	ts.Defer(func() { _ = askEngine(client, http.MethodDelete, "/images/"+args[1]+"?force=1", nil) })
	ts.Check(askEngine(client, http.MethodPost, "/images/load?quiet=1", &archive))
}

// engineClient speaks to the engine at an address as DOCKER_HOST has it.
func engineClient(address string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		parsed, err := url.Parse(address)
		if err != nil {
			return nil, err
		}
		if parsed.Scheme == "unix" {
			return new(net.Dialer).DialContext(ctx, "unix", parsed.Path)
		}
		return new(net.Dialer).DialContext(ctx, "tcp", parsed.Host)
	}}}
}

func askEngine(client *http.Client, method, path string, body io.Reader) error {
	request, err := http.NewRequest(method, "http://engine"+path, body)
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/x-tar")
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && (response.StatusCode != http.StatusOK || bytes.Contains(answer, []byte("errorDetail"))) {
		err = fmt.Errorf("engine: %s %s", response.Status, answer)
	}
	return err
}
