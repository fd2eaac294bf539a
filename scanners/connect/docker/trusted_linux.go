package docker

import (
	"os"
	"strconv"
	"strings"
)

const capSysAdmin = 21 // linux/capability.h

// readsTrusted says whether extended attributes of the trusted class are visible to this process, see xattr(7).
func readsTrusted() bool {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	uids, err := os.ReadFile("/proc/self/uid_map")
	if err != nil || strings.Join(strings.Fields(string(uids)), " ") != "0 0 4294967295" {
		return false
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "CapEff:"); ok {
			caps, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			return err == nil && caps&(1<<capSysAdmin) != 0
		}
	}
	return false
}
