package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/cli/cli/config"
	contextdocker "github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	"github.com/docker/docker/client"
)

// Endpoint is an engine's address and why it was chosen.
type Endpoint struct {
	Host   string // unix:///…, tcp://…, npipe://…
	Origin string // where the address comes from, for people
	opts   []client.Opt
}

// Choice says which engine the user asked for. All empty means: find it.
type Choice struct {
	Host    string // --host
	Context string // --context
	Getenv  func(string) string
	Home    string // the user's home folder
}

// Discover finds the engine: the host or context that was chosen; DOCKER_HOST; DOCKER_CONTEXT or the current context of
// the Docker configuration; then the first of the usual sockets that something listens on.
func Discover(ctx context.Context, c Choice) (Endpoint, error) {
	switch host := c.Getenv("DOCKER_HOST"); {
	case c.Host != "":
		return endpoint(c.Host, "--host")
	case c.Context != "":
		return c.fromContext(ctx, c.Context, "--context")
	case host != "":
		e, err := endpoint(host, "DOCKER_HOST")
		if err == nil {
			e.opts = append(e.opts, client.WithTLSClientConfigFromEnv())
		}
		return e, err
	}
	name, origin := c.Getenv("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
	if name == "" {
		name, origin = c.currentContext(), "current Docker context"
	}
	if name != "" && name != "default" {
		return c.fromContext(ctx, name, fmt.Sprintf("%s %q", origin, name))
	}
	return c.fromSockets(ctx)
}

func endpoint(host, origin string) (Endpoint, error) {
	parsed, err := client.ParseHostURL(host)
	if err != nil {
		return Endpoint{}, fmt.Errorf("%s %q is not an engine address: write unix:///path/to/docker.sock or tcp://host:port", origin, host)
	}
	switch parsed.Scheme {
	case "unix", "tcp", "http", "https", "npipe":
		return Endpoint{Host: host, Origin: origin, opts: []client.Opt{client.WithHost(host)}}, nil
	default:
		return Endpoint{}, fmt.Errorf("%s %q: engines are reached over unix://, tcp:// or npipe://; for ssh, forward the socket first: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock USER@HOST", origin, host)
	}
}

// configDir is where the Docker command line keeps its configuration.
func (c Choice) configDir() string {
	if dir := c.Getenv("DOCKER_CONFIG"); dir != "" {
		return dir
	}
	return filepath.Join(c.Home, ".docker")
}

func (c Choice) currentContext() string {
	file, err := config.Load(c.configDir())
	if err != nil {
		return "" // an unreadable configuration names no context; the sockets are tried
	}
	return file.CurrentContext
}

// fromContext reads an endpoint and its TLS material from the Docker command line's context store.
func (c Choice) fromContext(ctx context.Context, name, origin string) (Endpoint, error) {
	if name == "default" {
		return c.fromSockets(ctx)
	}
	contexts := store.New(filepath.Join(c.configDir(), "contexts"), store.NewConfig(
		func() any { return &map[string]any{} },
		store.EndpointTypeGetter(contextdocker.DockerEndpoint, func() any { return &contextdocker.EndpointMeta{} }),
	))
	metadata, err := contexts.GetMetadata(name)
	if errdefs.IsNotFound(err) {
		return Endpoint{}, fmt.Errorf("no Docker context %q: see `docker context ls` for which there are", name)
	}
	if err != nil {
		return Endpoint{}, fmt.Errorf("read Docker context %q: %w; docker context ls shows which there are", name, err)
	}
	meta, err := contextdocker.EndpointFromContext(metadata)
	if err != nil {
		return Endpoint{}, fmt.Errorf("read Docker context %q: %w", name, err)
	}
	e, err := endpoint(meta.Host, origin)
	if err != nil {
		return Endpoint{}, err
	}
	full, err := contextdocker.WithTLSData(contexts, name, meta)
	if err != nil {
		return Endpoint{}, fmt.Errorf("read TLS material of Docker context %q: %w", name, err)
	}
	if full.TLSData != nil {
		opt, err := withTLS(full)
		if err != nil {
			return Endpoint{}, fmt.Errorf("use TLS material of Docker context %q: %w", name, err)
		}
		e.opts = append([]client.Opt{opt}, e.opts...)
	}
	return e, nil
}

// fromSockets asks the usual sockets in turn. A socket that exists but may not be opened is better news than none: it is
// returned, and connecting explains the permission.
func (c Choice) fromSockets(ctx context.Context) (Endpoint, error) {
	var denied string
	places := c.sockets()
	for _, place := range places {
		dialer := net.Dialer{Timeout: time.Second}
		conn, err := dialer.DialContext(ctx, "unix", place)
		switch {
		case err == nil:
			_ = conn.Close()
			return endpoint("unix://"+place, "found at its usual place")
		case errors.Is(err, os.ErrPermission) && denied == "":
			denied = place
		}
	}
	if denied != "" {
		return endpoint("unix://"+denied, "found at its usual place")
	}
	return Endpoint{}, fmt.Errorf("no container engine found: nothing listens on %s. Start the engine, or say where it is with --host or DOCKER_HOST", strings.Join(places, ", "))
}

// sockets are the places where engines listen, the most common first: Docker, rootless Docker, Docker Desktop, Colima,
// OrbStack, Rancher Desktop, Podman.
func (c Choice) sockets() []string {
	home := func(parts ...string) string { return filepath.Join(append([]string{c.Home}, parts...)...) }
	places := []string{"/var/run/docker.sock"}
	run := c.Getenv("XDG_RUNTIME_DIR")
	if run != "" {
		places = append(places, filepath.Join(run, "docker.sock"))
	}
	if c.Home != "" {
		places = append(places, home(".docker", "run", "docker.sock"), home(".docker", "desktop", "docker.sock"))
		colima, _ := filepath.Glob(home(".colima", "*", "docker.sock")) // the pattern is well-formed
		places = append(places, colima...)
		places = append(places, home(".orbstack", "run", "docker.sock"), home(".rd", "docker.sock"))
	}
	if run != "" {
		places = append(places, filepath.Join(run, "podman", "podman.sock"))
	}
	return append(places, "/run/podman/podman.sock")
}
