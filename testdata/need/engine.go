package need

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience is how long an engine may take to answer.
const patience = 2 * time.Second

// Engine is the address of a real Docker engine (unix:///… or tcp://…), as DOCKER_HOST would name it. It is DOCKER_HOST
// itself when that is set, else the first of the usual sockets that answers a ping within 2 s. Whether the engine's
// layer folders can be read is another question: see [EngineFolders].
func Engine(t testing.TB) string {
	t.Helper()
	address, missing := engine(t.Context())
	Group(t, GroupEngine, missing)
	return address
}

// EngineFolders is the address of a real Docker engine on this machine that keeps its layers as overlay2 folders which
// this process can read. Such a test belongs to the group engine as well.
func EngineFolders(t testing.TB) string {
	t.Helper()
	address, missing := engine(t.Context())
	if missing == "" {
		missing = missingFolders(t.Context(), address)
	}
	Group(t, GroupFolders, missing)
	Group(t, GroupEngine, "")
	return address
}

// engine finds an engine that answers, or says why there is none.
func engine(ctx context.Context) (address, missing string) {
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		if err := ping(ctx, host); err != nil {
			return "", fmt.Sprintf("DOCKER_HOST is %s: %v", host, err)
		}
		return host, ""
	}
	missing = "no Docker engine: none of the usual sockets exists"
	for _, socket := range sockets() {
		if _, err := os.Stat(socket); err != nil {
			continue
		}
		err := ping(ctx, "unix://"+socket)
		if err == nil {
			return "unix://" + socket, ""
		}
		missing = fmt.Sprintf("no Docker engine: %v", err)
	}
	return "", missing
}

// sockets are the places where engines listen: the system's, a rootless one's, Docker Desktop's and Colima's.
func sockets() []string {
	list := []string{"/var/run/docker.sock"}
	if runtime := os.Getenv("XDG_RUNTIME_DIR"); runtime != "" {
		list = append(list, filepath.Join(runtime, "docker.sock"))
	}
	if home, err := os.UserHomeDir(); err == nil {
		list = append(list,
			filepath.Join(home, ".docker", "run", "docker.sock"),
			filepath.Join(home, ".colima", "default", "docker.sock"))
	}
	return list
}

func ping(ctx context.Context, address string) error {
	_, err := get(ctx, address, "/_ping")
	return err
}

// missingFolders says why the layer folders of the engine at address cannot be read; empty when they can.
func missingFolders(ctx context.Context, address string) string {
	if !strings.HasPrefix(address, "unix://") {
		return "the engine is not on this machine"
	}
	body, err := get(ctx, address, "/info")
	if err != nil {
		return err.Error()
	}
	var info struct{ Driver, DockerRootDir string }
	if err := json.Unmarshal(body, &info); err != nil {
		return fmt.Sprintf("the engine's description of itself: %v", err)
	}
	if info.Driver != "overlay2" {
		return fmt.Sprintf("the engine stores layers by %q, not by overlay2", info.Driver)
	}
	if _, err := os.ReadDir(filepath.Join(info.DockerRootDir, "overlay2")); err != nil {
		return fmt.Sprintf("the engine's folders: %v", err)
	}
	return ""
}

// get asks the engine at address and gives at most 1 MiB of its answer.
func get(ctx context.Context, address, path string) ([]byte, error) {
	network, target, err := endpoint(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine"+path, nil)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, target)
		},
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s%s answers %s", address, path, response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, 1<<20))
}

// endpoint is what to dial for an engine's address.
func endpoint(address string) (network, target string, err error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return "", "", err
	}
	switch parsed.Scheme {
	case "unix":
		return "unix", parsed.Path, nil
	case "tcp", "http":
		return "tcp", parsed.Host, nil
	default:
		return "", "", errors.New("the tests reach an engine by unix:// or tcp:// only")
	}
}
