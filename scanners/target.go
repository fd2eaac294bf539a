package scanners

// TargetKind says what kind of place a target is.
type TargetKind string

// The kinds of place that can be assessed.
const (
	TargetDocker    TargetKind = "docker"     // a Docker-compatible engine
	TargetArchive   TargetKind = "archive"    // a docker-archive or an OCI layout packed as a tar file
	TargetOCILayout TargetKind = "oci-layout" // an OCI layout folder
)

// Target is a place that Plimsoll connects to and assesses.
type Target struct {
	Key     string     `json:"key"`     // stable and unique: kind and address
	Kind    TargetKind `json:"kind"`    //
	Name    string     `json:"name"`    // what people call it
	Address string     `json:"address"` // engine address or file path, without credentials
}
