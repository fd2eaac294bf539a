package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"plimsoll/scanners"
)

// Engine is a connection to a container engine. It is safe for concurrent use.
type Engine struct {
	api      api
	endpoint Endpoint
}

// Connect opens an engine and makes sure that it answers.
func Connect(ctx context.Context, e Endpoint) (*Engine, error) {
	c, err := client.NewClientWithOpts(append(e.opts, client.WithAPIVersionNegotiation())...)
	if err != nil {
		return nil, fmt.Errorf("use engine address %s: %w", e.Host, err)
	}
	engine := &Engine{api: c, endpoint: e}
	if _, err := c.Ping(ctx); err != nil {
		_ = c.Close()
		return nil, engine.explain(ctx, err)
	}
	return engine, nil
}

// Close ends the connection.
func (e *Engine) Close() error { return e.api.Close() }

// Target is the engine.
func (e *Engine) Target() scanners.Target {
	return scanners.Target{Key: "docker:" + e.endpoint.Host, Kind: scanners.TargetDocker, Name: "Docker engine", Address: e.endpoint.Host}
}

// explain turns what the client says when the engine can't be reached into what happened and what to do.
func (e *Engine) explain(ctx context.Context, err error) error {
	at := fmt.Sprintf("%s (%s)", e.endpoint.Host, e.endpoint.Origin)
	socket, isSocket := strings.CutPrefix(e.endpoint.Host, "unix://")
	if isSocket {
		err = cause(ctx, socket, err)
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, os.ErrPermission) && isSocket:
		group := socketGroup(socket)
		if group == "root" {
			return fmt.Errorf("permission denied on the engine's socket %s: it belongs to root (group %q). Run with sudo, or say where another engine is with --host", socket, group)
		}
		return fmt.Errorf("permission denied on the engine's socket %s: it belongs to the group %q, which you are not in. Join it with `sudo usermod -aG %s $USER` and sign in again, or run with sudo", socket, group, group)
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("no engine at %s: the socket does not exist. Start the engine, or say where it is with --host or DOCKER_HOST", at)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no engine answers at %s: connection refused. Start the engine, or say where it is with --host or DOCKER_HOST", at)
	default:
		return fmt.Errorf("connect to the engine at %s: %w", at, err)
	}
}

// cause asks the socket itself why it can't be reached, because the client hides the system's error.
func cause(ctx context.Context, socket string, err error) error {
	conn, dialErr := new(net.Dialer).DialContext(ctx, "unix", socket)
	if dialErr != nil {
		return dialErr
	}
	_ = conn.Close()
	return err
}

// socketGroup is the name of the group that may use a socket.
func socketGroup(socket string) string {
	info, err := os.Stat(socket)
	if err != nil {
		return "docker"
	}
	gid, ok := groupID(info)
	if !ok {
		return "docker"
	}
	if group, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return group.Name
	}
	return strconv.Itoa(gid)
}

// notFound explains that the engine does not have an image.
func (e *Engine) notFound(ref string, err error) error {
	if errdefs.IsNotFound(err) {
		return fmt.Errorf("no image %q in the engine at %s: pull it first with `docker pull %s`, or see `docker images` for what is there", ref, e.endpoint.Host, ref)
	}
	if errdefs.IsInvalidArgument(err) {
		return fmt.Errorf("%q is not an image reference: write name:tag, name@sha256:… or an image id", ref)
	}
	return fmt.Errorf("inspect image %q: %w", ref, err)
}
