package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Media types of a manifest with layers. An index is none: it would have to be resolved to a platform.
const dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"

// largestManifest bounds a manifest, in bytes; 4 MiB is what the distribution specification asks registries to take.
const largestManifest = 4 << 20

// Client reads from registries. The zero value works; it is safe for concurrent use. References are written as
// everywhere, host/repository:tag or host/repository@sha256:….
type Client struct {
	// PlainHTTP allows HTTP without TLS to hosts on loopback addresses.
	PlainHTTP bool
	// Keychain gives credentials; nil takes those that `docker login` stored.
	Keychain authn.Keychain
	// Transport sends requests; nil takes a clone of the standard library's default with time limits.
	Transport http.RoundTripper
	// Patience is how long a registry may keep silent; 0 is one minute.
	Patience time.Duration
}

// Layer finds the layer with the media type in the artifact ref: its digest (sha256:…) and its size in bytes.
func (c *Client) Layer(ctx context.Context, ref, mediaType string) (digest string, size int64, err error) {
	parsed, err := parse(ref)
	if err != nil {
		return "", 0, err
	}
	request, err := c.request(ctx, parsed.Context(), "manifests", parsed.Identifier())
	if err != nil {
		return "", 0, err
	}
	request.Header.Set("Accept", ocispec.MediaTypeImageManifest+", "+dockerManifest)
	ctx, silence := c.watch(ctx)
	defer silence.stop()
	response, err := c.send(ctx, parsed.Context(), request)
	if err != nil {
		return "", 0, silence.explain(err)
	}
	defer response.Body.Close() //nolint:errcheck // it is read to its end or given up
	if response.StatusCode != http.StatusOK {
		return "", 0, explain(response)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, largestManifest))
	if err != nil {
		return "", 0, silence.explain(fmt.Errorf("read the manifest: %w", err))
	}
	return findLayer(text, mediaType)
}

// findLayer finds the layer with the media type in a manifest.
func findLayer(manifest []byte, mediaType string) (digest string, size int64, err error) {
	var m ocispec.Manifest
	if err := json.Unmarshal(manifest, &m); err != nil {
		return "", 0, fmt.Errorf("read the manifest: %w", err)
	}
	var others []string
	for _, l := range m.Layers {
		if l.MediaType == mediaType {
			return l.Digest.String(), l.Size, nil
		}
		others = append(others, fmt.Sprintf("%q", l.MediaType))
	}
	if len(others) == 0 {
		return "", 0, fmt.Errorf("it is no artifact with a layer of type %s: check the reference", mediaType)
	}
	return "", 0, fmt.Errorf("its layers have the type %s instead of %q: check the reference",
		strings.Join(others[:min(3, len(others))], ", "), mediaType)
}

// Blob streams the blob of that size (in bytes) in ref's repository from offset, or from start when the registry
// can't begin there. The caller closes the body, and verifies the digest of the whole. Reading fails when the registry
// keeps silent for longer than Patience.
func (c *Client) Blob(ctx context.Context, ref, digest string, offset, size int64) (body io.ReadCloser, start int64, err error) {
	parsed, err := parse(ref)
	if err != nil {
		return nil, 0, err
	}
	request, err := c.request(ctx, parsed.Context(), "blobs", digest)
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("Accept-Encoding", "identity") // offsets count the bytes as they are stored
	if offset > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, size-1))
	}
	ctx, silence := c.watch(ctx)
	response, err := c.send(ctx, parsed.Context(), request)
	if err != nil {
		silence.stop()
		return nil, 0, silence.explain(err)
	}
	if start, err = startOf(response, offset); err != nil {
		silence.stop()
		return nil, 0, errors.Join(err, response.Body.Close())
	}
	return &watched{ReadCloser: response.Body, silence: silence}, start, nil
}

// startOf is the offset at which a response's body begins.
func startOf(response *http.Response, offset int64) (int64, error) {
	switch response.StatusCode {
	case http.StatusOK:
		return 0, nil
	case http.StatusPartialContent:
		var start int64
		if _, err := fmt.Sscanf(response.Header.Get("Content-Range"), "bytes %d-", &start); err != nil || start != offset {
			return 0, fmt.Errorf("the registry answers with the range %q to a request from byte %d", response.Header.Get("Content-Range"), offset)
		}
		return start, nil
	default:
		return 0, explain(response)
	}
}

func parse(ref string) (name.Reference, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return nil, fmt.Errorf("%q is no reference of the form host/repository:tag", ref)
	}
	return parsed, nil
}

// request asks for something in a repository. The scheme is put in by the transport.
func (c *Client) request(ctx context.Context, repository name.Repository, kind, id string) (*http.Request, error) {
	url := fmt.Sprintf("https://%s/v2/%s/%s/%s", repository.RegistryStr(), repository.RepositoryStr(), kind, id)
	return http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
}

// send signs in and sends the request.
func (c *Client) send(ctx context.Context, repository name.Repository, request *http.Request) (*http.Response, error) {
	keychain := c.Keychain
	if keychain == nil {
		keychain = authn.DefaultKeychain
	}
	auth, err := authn.Resolve(ctx, keychain, repository)
	if err != nil {
		return nil, fmt.Errorf("get credentials for %s: %w", repository.RegistryStr(), err)
	}
	scopes := []string{repository.Scope(transport.PullScope)}
	signedIn, err := transport.NewWithContext(ctx, repository.Registry, auth, c.transport(), scopes)
	if err != nil {
		return nil, explainSignIn(err)
	}
	response, err := (&http.Client{Transport: signedIn}).Do(request.WithContext(ctx))
	if err != nil {
		return nil, explainSignIn(err)
	}
	return response, nil
}

func (c *Client) transport() http.RoundTripper {
	inner := c.Transport
	if inner == nil {
		inner = remoteTransport()
	}
	return guarded{inner: inner, plainHTTP: c.PlainHTTP}
}
