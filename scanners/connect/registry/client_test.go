package registry_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	server "github.com/google/go-containerregistry/pkg/registry"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"plimsoll/scanners/connect/registry"
)

const layerType = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"

// quiet is a registry that does not log.
func quiet() http.Handler {
	return server.New(server.Logger(discard()))
}

// serve runs a registry on loopback and gives its host:port.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// push uploads an artifact with one layer of the media type and gives its reference.
func push(t *testing.T, host, mediaType string, layer []byte) string {
	t.Helper()
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageManifest,
		"config": map[string]any{"mediaType": "application/vnd.aquasec.trivy.config.v1+json", "digest": digest([]byte("{}")), "size": 2},
		"layers": []any{map[string]any{"mediaType": mediaType, "digest": digest(layer), "size": len(layer)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + host + "/v2/db/"
	for _, blob := range [][]byte{[]byte("{}"), layer} {
		send(t, http.MethodPost, base+"blobs/uploads/?digest="+digest(blob), "application/octet-stream", blob)
	}
	send(t, http.MethodPut, base+"manifests/2", ocispec.MediaTypeImageManifest, manifest)
	return host + "/db:2"
}

func send(t *testing.T, method, url, contentType string, body []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s %s: %s, %v", method, url, response.Status, err)
	}
}

// anonymous is a keychain without credentials: tests must not depend on the machine's.
func client() *registry.Client {
	return &registry.Client{PlainHTTP: true, Keychain: authn.NewMultiKeychain()}
}

func TestLayerAndBlob(t *testing.T) {
	layer := bytes.Repeat([]byte("0123456789"), 10_000)
	ref := push(t, serve(t, quiet()), layerType, layer)
	c := client()
	got, size, err := c.Layer(t.Context(), ref, layerType)
	if err != nil || got != digest(layer) || size != int64(len(layer)) {
		t.Fatalf("got %s, %d, %v", got, size, err)
	}
	for _, offset := range []int64{0, 1, 99_999} {
		body, start, err := c.Blob(t.Context(), ref, got, offset, size)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(body)
		if err := errors.Join(err, body.Close()); err != nil || start != offset || !bytes.Equal(data, layer[offset:]) {
			t.Errorf("from %d: got %d bytes from %d, %v", offset, len(data), start, err)
		}
	}
}

func TestRangeIgnored(t *testing.T) {
	layer := []byte("a layer")
	inner := quiet()
	ref := push(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		inner.ServeHTTP(w, r)
	})), layerType, layer)
	body, start, err := client().Blob(t.Context(), ref, digest(layer), 3, int64(len(layer)))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(body)
	if err := errors.Join(err, body.Close()); err != nil || start != 0 || string(data) != "a layer" {
		t.Errorf("got %q from %d, %v", data, start, err)
	}
}

func TestErrors(t *testing.T) {
	answer := func(status int, header ...string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/" {
				return
			}
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
		})
	}
	tests := []struct {
		name    string
		handler http.Handler
		want    string
	}{
		{"too many requests", answer(429, "Retry-After", "30"), "HTTP 429): try again in 30 seconds"},
		{"too many requests until a date", answer(429, "Retry-After", "Fri, 20 Nov 2026 12:00:00 GMT"), "after Fri, 20 Nov 2026 12:00:00 GMT"},
		{"too many requests with rubbish", answer(429, "Retry-After", "soon"), "try again later"},
		{"not found", answer(404), "does not have it (HTTP 404)"},
		{"forbidden", answer(403), "docker login"},
		{"failing", answer(500), "HTTP 500 Internal Server Error"},
		{"too many requests at sign-in", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }), "HTTP 429"},
		{"no JSON", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }), "read the manifest"},
		{"no layers", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }), "no artifact with a layer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := client().Layer(t.Context(), serve(t, tt.handler)+"/db:2", layerType)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("another media type", func(t *testing.T) {
		ref := push(t, serve(t, quiet()), "text/plain", []byte("x"))
		_, _, err := client().Layer(t.Context(), ref, layerType)
		if err == nil || !strings.Contains(err.Error(), `"text/plain" instead of "`+layerType) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no reference", func(t *testing.T) {
		if _, _, err := client().Layer(t.Context(), "Not A Reference", layerType); err == nil || !strings.Contains(err.Error(), "host/repository:tag") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a wrong range", func(t *testing.T) {
		host := serve(t, answer(206, "Content-Range", "bytes 5-6/7"))
		if _, _, err := client().Blob(t.Context(), host+"/db:2", digest(nil), 3, 7); err == nil || !strings.Contains(err.Error(), "bytes 5-6/7") {
			t.Errorf("got %v", err)
		}
	})
}

func TestPlainHTTP(t *testing.T) {
	ref := push(t, serve(t, quiet()), layerType, []byte("x"))
	c := client()
	c.PlainHTTP = false
	if _, _, err := c.Layer(t.Context(), ref, layerType); err == nil || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("plain HTTP without being asked for: got %v", err)
	}
	// Even when asked for, never beyond this machine, whatever a redirect says.
	host := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			http.Redirect(w, r, "http://registry.example/", http.StatusFound)
		}
	}))
	if _, _, err := client().Layer(t.Context(), host+"/db:2", layerType); err == nil || !strings.Contains(err.Error(), "registry.example would be spoken to without TLS") {
		t.Errorf("redirect to plain HTTP: got %v", err)
	}
}

func TestSilence(t *testing.T) {
	done := make(chan struct{})
	host := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		w.Header().Set("Content-Length", "10")
		_, _ = w.Write([]byte("12345"))
		w.(http.Flusher).Flush()
		select {
		case <-done:
		case <-r.Context().Done():
		}
	}))
	defer close(done)
	c := client()
	c.Patience = 50 * time.Millisecond
	body, _, err := c.Blob(t.Context(), host+"/db:2", digest(nil), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadAll(body); err == nil || !strings.Contains(err.Error(), "silent for 50ms") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := client().Layer(ctx, host+"/db:2", layerType); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
}

// TestSignIn walks through the token handshake with stored credentials.
func TestSignIn(t *testing.T) {
	inner := quiet()
	open := true
	var host string
	host = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch user, password, _ := r.BasicAuth(); {
		case r.URL.Path == "/token" && user == "me" && password == "secret":
			fmt.Fprint(w, `{"token":"granted"}`)
		case r.URL.Path == "/token":
			w.WriteHeader(http.StatusUnauthorized)
		case open || r.Header.Get("Authorization") == "Bearer granted":
			inner.ServeHTTP(w, r)
		default:
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="s"`, host))
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	ref := push(t, host, layerType, []byte("x"))
	open = false
	c := client()
	if _, _, err := c.Layer(t.Context(), ref, layerType); err == nil || !strings.Contains(err.Error(), "docker login") {
		t.Errorf("anonymous: got %v", err)
	}
	c.Keychain = keychain{authn.AuthConfig{Username: "me", Password: "secret"}}
	if _, _, err := c.Layer(t.Context(), ref, layerType); err != nil {
		t.Errorf("signed in: got %v", err)
	}
}

// keychain has one account for every registry.
type keychain struct{ account authn.AuthConfig }

func (k keychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(k.account), nil
}
