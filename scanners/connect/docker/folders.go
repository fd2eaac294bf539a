package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/docker/docker/api/types/image"
)

// folders are the image's layer folders, base first, or why they can't be read. The engine names them in its answer;
// they are taken only when this process can read them completely, overlayfs' marks included.
func (s *Source) folders(ctx context.Context, i image.InspectResponse) ([]string, error) {
	if s.way == WayStream {
		return nil, errors.New("not asked for")
	}
	if !strings.HasPrefix(s.engine.endpoint.Host, "unix://") {
		return nil, errors.New("the engine runs on another machine")
	}
	if i.GraphDriver.Name != "overlay2" {
		return nil, errors.New("the engine does not keep its layers in overlay2")
	}
	if err := s.canReadMarks(ctx); err != nil {
		return nil, err
	}
	folders := layerFolders(i.GraphDriver.Data)
	if len(folders) != len(i.RootFS.Layers) {
		return nil, fmt.Errorf("the engine names %d folders for %d layers", len(folders), len(i.RootFS.Layers))
	}
	for _, folder := range folders {
		f, err := os.Open(folder)
		if err != nil {
			return nil, err
		}
		_ = f.Close()
	}
	return folders, nil
}

// layerFolders puts overlay2's folders in the order of the layers: UpperDir is the top, LowerDir the rest from the top
// down.
func layerFolders(data map[string]string) []string {
	var folders []string
	if lower := data["LowerDir"]; lower != "" {
		folders = strings.Split(lower, ":")
	}
	for i, j := 0, len(folders)-1; i < j; i, j = i+1, j-1 {
		folders[i], folders[j] = folders[j], folders[i]
	}
	return append(folders, data["UpperDir"])
}

// canReadMarks says whether overlayfs' attributes are visible. Without them a hidden folder would look like a visible
// one. Those of rootless engines are ordinary; the others show only with CAP_SYS_ADMIN in the initial user namespace.
func (s *Source) canReadMarks(ctx context.Context) error {
	if readsTrusted() {
		return nil
	}
	info, err := s.engine.api.Info(ctx)
	if err != nil {
		return fmt.Errorf("ask the engine for its storage: %w", err)
	}
	for _, pair := range info.DriverStatus {
		if pair[0] == "userxattr" && pair[1] == "true" {
			return nil
		}
	}
	return errors.New("reading overlayfs needs to be root")
}
