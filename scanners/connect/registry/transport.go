package registry

import (
	"fmt"
	"net/http"
	"net/netip"

	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// remoteTransport is the library's transport for registries: proxies from the environment, limits on dialling and on
// the TLS handshake.
func remoteTransport() http.RoundTripper { return remote.DefaultTransport }

// guarded refuses requests without TLS, except to loopback hosts when that is wanted. It also stops redirects and
// sign-in services from leading there.
type guarded struct {
	inner     http.RoundTripper
	plainHTTP bool
}

func (g guarded) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme == "https" || (g.plainHTTP && isLoopback(request.URL.Hostname())) {
		return g.inner.RoundTrip(request)
	}
	return nil, fmt.Errorf("%s would be spoken to without TLS, which is refused; --plain-http allows it on this machine", request.URL.Host)
}

// isLoopback says whether host is this machine, without asking a name server.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}
