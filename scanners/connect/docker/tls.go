package docker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"

	contextdocker "github.com/docker/cli/cli/context/docker"
	"github.com/docker/docker/client"
)

// withTLS is the client option for an endpoint with certificates in the context store.
func withTLS(e contextdocker.Endpoint) (client.Opt, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: e.SkipTLSVerify} //nolint:gosec // the user's own setting in the context
	if e.TLSData.CA != nil {
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(e.TLSData.CA) {
			return nil, errors.New("ca.pem holds no certificate")
		}
	}
	if e.TLSData.Cert != nil {
		pair, err := tls.X509KeyPair(e.TLSData.Cert, e.TLSData.Key)
		if err != nil {
			return nil, err
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return client.WithHTTPClient(&http.Client{
		Transport:     &http.Transport{TLSClientConfig: settings},
		CheckRedirect: client.CheckRedirect,
	}), nil
}
