package scanners

// AssetKind says what kind of thing carries the risk.
type AssetKind string

// AssetImage is a container image, known by repository:tag in a target; its digest is its revision.
const AssetImage AssetKind = "image"

// Asset is one thing that can carry risk, with the facts that were collected of it.
type Asset struct {
	Key          string       `json:"key"`              // stable within the target: survives rebuilds
	Kind         AssetKind    `json:"kind"`             //
	Name         string       `json:"name"`             // repository:tag, or the digest of an untagged image
	Target       string       `json:"target"`           // key of the target that it was found in
	Revision     string       `json:"revision"`         // what it was when looked at: the image id (sha256:…)
	Platform     Platform     `json:"platform"`         //
	Created      string       `json:"created,omitzero"` // RFC 3339, as the image itself states it
	Distribution Distribution `json:"distribution,omitzero"`
	Layers       []Layer      `json:"layers"`
	Packages     []Package    `json:"packages"`
}
