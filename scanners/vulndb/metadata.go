package vulndb

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"plimsoll/scanners"
)

// schemaVersion is the trivy-db schema that is read here.
const schemaVersion = 2

// longestMetadata bounds metadata.json, in bytes.
const longestMetadata = 1 << 20

// readMetadata reads metadata.json and refuses a database of another schema.
func readMetadata(path string) (scanners.DatabaseInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return scanners.DatabaseInfo{}, fmt.Errorf("read the vulnerability database's %s: %w", metadataFile, err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	data, err := io.ReadAll(io.LimitReader(f, longestMetadata))
	if err != nil {
		return scanners.DatabaseInfo{}, fmt.Errorf("read %q: %w", path, err)
	}
	info, err := decodeMetadata(data)
	if err != nil {
		return scanners.DatabaseInfo{}, fmt.Errorf("read %q: %w", path, err)
	}
	return info, nil
}

func decodeMetadata(data []byte) (scanners.DatabaseInfo, error) {
	var m struct {
		Version               int
		UpdatedAt, NextUpdate time.Time
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return scanners.DatabaseInfo{}, fmt.Errorf("%w (%w)", errDamaged, err)
	}
	switch {
	case m.Version > schemaVersion:
		return scanners.DatabaseInfo{}, fmt.Errorf(
			"the vulnerability database has schema %d and this Plimsoll reads %d: install a newer Plimsoll", m.Version, schemaVersion)
	case m.Version < schemaVersion:
		return scanners.DatabaseInfo{}, fmt.Errorf(
			"the vulnerability database has schema %d and this Plimsoll reads %d: fetch a newer one with `plimsoll vulndb update`",
			m.Version, schemaVersion)
	}
	return scanners.DatabaseInfo{Kind: KindTrivy, Schema: m.Version, UpdatedAt: m.UpdatedAt, NextUpdate: m.NextUpdate}, nil
}

// readDigest is the digest of the artifact that the folder was unpacked from; "" when nobody noted it.
func readDigest(folder string) string {
	f, err := os.Open(filepath.Join(folder, digestFile))
	if err != nil {
		return ""
	}
	defer f.Close() //nolint:errcheck // opened for reading
	text, err := io.ReadAll(io.LimitReader(f, 200))
	digest := strings.TrimSpace(string(text))
	if err != nil || !isDigest(digest) {
		return ""
	}
	return digest
}
