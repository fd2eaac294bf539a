package app

import (
	"context"
	"os"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"plimsoll/scanners"
	"plimsoll/scanners/connect/archive"
	"plimsoll/scanners/connect/docker"
)

// imageOptions say which images to assess and how to reach them.
type imageOptions struct {
	scanOptions
	archives []string
	layouts  []string
	platform string
	host     string
	context  string
	read     string
}

func newScanImage(s *settings) *cobra.Command {
	o := &imageOptions{scanOptions: scanOptions{settings: s}}
	c := &cobra.Command{
		Use:   "image [REF...] [--archive FILE] [--oci-layout DIR]",
		Short: "List the packages of images and what is known to be wrong with them",
		Long: `Lists every package of the images and every known vulnerability, and what to fix
first.

REF is an image of the local engine: name:tag, name@sha256:… or an id. Archives
(docker save) and OCI layouts are read as files, without an engine.`,
		Example: `  plimsoll scan image debian:12 my/app:1.4
  plimsoll scan image --archive app.tar --format sarif --output app.sarif
  plimsoll scan image my/app:1.4 --fail-on high --fixable`,
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, args) },
	}
	o.register(c)
	flags := c.Flags()
	flags.StringSliceVar(&o.archives, "archive", nil, "assess the images in `FILE`: a docker-archive or an OCI layout, plain or compressed")
	flags.StringSliceVar(&o.layouts, "oci-layout", nil, "assess the images in the OCI layout `DIR`")
	flags.StringVar(&o.platform, "platform", "", "assess multi-platform images for `OS/ARCH`, for example linux/arm64")
	flags.StringVar(&o.host, "host", "", "engine `ADDRESS`: unix:///var/run/docker.sock or tcp://host:2376")
	flags.StringVar(&o.context, "context", "", "use the engine of the Docker context `NAME`")
	flags.StringVar(&o.read, "read", string(docker.WayAuto), "`WAY` to read an engine's layers: auto, directories or stream")
	return c
}

func (o *imageOptions) run(c *cobra.Command, refs []string) error {
	if len(refs)+len(o.archives)+len(o.layouts) == 0 {
		return usageError("which image? Name one (plimsoll scan image debian:12), an --archive or an --oci-layout")
	}
	way := docker.Way(o.read)
	if !slices.Contains([]docker.Way{docker.WayAuto, docker.WayDirectories, docker.WayStream}, way) {
		return usageError("--read %q: use auto, directories or stream", o.read)
	}
	var platform scanners.Platform
	if o.platform != "" {
		var err error
		if platform, err = scanners.ParsePlatform(o.platform); err != nil {
			return usageError("--platform: %v", err)
		}
	}
	p, err := o.plan(c)
	if err != nil {
		return err
	}
	defer p.database.Close()
	var sources []scanners.ImageSource
	if len(refs) > 0 {
		engine, err := o.connect(c.Context())
		switch {
		case err == nil:
			defer engine.Close()
		case len(o.archives)+len(o.layouts) == 0:
			return err
		}
		for _, ref := range refs {
			if err != nil { // the files can still be assessed
				sources = append(sources, unreachable{ref, err})
				continue
			}
			sources = append(sources, engine.Image(ref, way, platform, archive.ReadStream))
		}
	}
	for _, path := range append(slices.Clone(o.archives), o.layouts...) {
		sources = append(sources, archive.Open(path, platform, hostPlatform()))
	}
	return p.run(c, sources)
}

// unreachable is an image of an engine that does not answer.
type unreachable struct {
	ref string
	err error
}

// Target implements scanners.ImageSource.
func (unreachable) Target() scanners.Target {
	return scanners.Target{Key: "docker:", Kind: scanners.TargetDocker, Name: "Docker engine"}
}

// Name implements scanners.ImageSource.
func (u unreachable) Name() string { return u.ref }

// Read implements scanners.ImageSource.
func (u unreachable) Read(context.Context, scanners.LayerSink) ([]scanners.Image, error) {
	return nil, u.err
}

// connect finds and opens the engine.
func (o *imageOptions) connect(ctx context.Context) (*docker.Engine, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "" // no home: the places in it are not looked at
	}
	endpoint, err := docker.Discover(ctx, docker.Choice{Host: o.host, Context: o.context, Getenv: os.Getenv, Home: home})
	if err != nil {
		return nil, err
	}
	return docker.Connect(ctx, endpoint)
}

// hostPlatform is what containers run as here. Containers are Linux also where the desktop is not.
func hostPlatform() scanners.Platform {
	return scanners.Platform{OS: "linux", Architecture: runtime.GOARCH}
}
