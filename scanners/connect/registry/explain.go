package registry

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// explain tells what an answer other than the wanted one means and what to do.
func explain(response *http.Response) error {
	return explainStatus(response.StatusCode, response.Header.Get("Retry-After"))
}

func explainStatus(status int, retryAfter string) error {
	switch status {
	case http.StatusTooManyRequests:
		return fmt.Errorf("the registry limits how often it is asked (HTTP 429): try again %s, or sign in with `docker login`", waitFor(retryAfter))
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("the registry refuses access (HTTP %d): sign in with `docker login`", status)
	case http.StatusNotFound:
		return errors.New("the registry does not have it (HTTP 404): check the reference")
	default:
		return fmt.Errorf("the registry answers HTTP %d %s", status, http.StatusText(status))
	}
}

// waitFor words a Retry-After header: seconds or a date (RFC 9110 section 10.2.3).
func waitFor(retryAfter string) string {
	digits := strings.Trim(retryAfter, "0123456789") == ""
	switch _, err := http.ParseTime(retryAfter); {
	case retryAfter == "" || len(retryAfter) > 40:
		return "later"
	case digits:
		return "in " + retryAfter + " seconds"
	case err == nil:
		return "after " + retryAfter
	default:
		return "later"
	}
}

// explainSignIn words what the library reports while it signs in.
func explainSignIn(err error) error {
	var answer *transport.Error
	var unreached *net.OpError
	switch {
	case errors.As(err, &answer):
		return explainStatus(answer.StatusCode, "")
	case errors.As(err, &unreached):
		return fmt.Errorf("the registry can't be reached (%w): check the network and the proxy", unreached)
	default:
		return err
	}
}
