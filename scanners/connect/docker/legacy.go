package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"plimsoll/scanners"
)

// emptyConfig is how engines before version 25 write a container configuration without content.
const emptyConfig = `{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,` +
	`"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","Volumes":null,"WorkingDir":"",` +
	`"Entrypoint":null,"OnBuild":null,"Labels":null}`

// legacyNames maps the names of layers in the export of engines before version 25 to diff ids, so that known layers can
// be skipped as they pass. The name is the digest of a made-up image configuration (v1 image specification) over the
// layer's chain id and its parent's name. The topmost layer's name depends on more and is left out. A name that does not
// come up only means that the layer is recognised by its content instead.
func legacyNames(layers []scanners.Layer) map[string]string {
	names := make(map[string]string)
	chain, parent := "", ""
	for i, layer := range layers {
		if chain == "" {
			chain = layer.DiffID
		} else {
			chain = sha("%s %s", chain, layer.DiffID)
		}
		if i == len(layers)-1 {
			break
		}
		config := fmt.Sprintf(`{"container_config":%s,"created":"1970-01-01T00:00:00Z","layer_id":%q}`, emptyConfig, chain)
		if parent != "" {
			config = fmt.Sprintf(`%s,"parent":%q}`, config[:len(config)-1], parent)
		}
		parent = sha("%s", config)
		names[parent[len("sha256:"):]+"/layer.tar"] = layer.DiffID
	}
	return names
}

func sha(format string, args ...any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, format, args...))
	return "sha256:" + hex.EncodeToString(sum[:])
}
