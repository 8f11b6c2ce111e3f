// SPDX-License-Identifier: Apache-2.0

package status

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// maxBody is the longest body of a request.
const maxBody = 64 << 10

// guarded lets through who may change something: whoever has the token, or, if
// there is none, programs of this machine. Never a browser at the word of another
// site: that cannot send JSON without being asked, has an Origin, and reaches a
// loopback address under its own name only by rebinding it.
func (h *handler) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		code, err := h.refusal(r)
		if err != nil {
			if code == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="klamm"`)
			}
			h.answer(w, code, problem{err.Error()})
			return
		}
		next(w, r)
	}
}

// refusal says why a request to change something is refused, if it is.
func (h *handler) refusal(r *http.Request) (code int, err error) {
	if r.Header.Get("Origin") != "" {
		return http.StatusForbidden, errors.New("requests of web pages are refused: leave the Origin header out")
	}
	if token := h.token().Reveal(); token != "" {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || !same(given, token) {
			return http.StatusUnauthorized, errors.New("changes need the token of the server block: send Authorization: Bearer TOKEN (klamm has --token and KLAMM_TOKEN)")
		}
	} else if err := local(r); err != nil {
		return http.StatusForbidden, err
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return http.StatusUnsupportedMediaType, errors.New("send Content-Type: application/json")
	}
	return http.StatusOK, nil
}

// same compares in constant time, also where the lengths differ.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// local refuses whatever does not come from this machine.
func local(r *http.Request) error {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return errors.New("without a token changes are taken from this machine only: set token in the server block")
	}
	for _, passedOn := range []string{"Forwarded", "X-Forwarded-For"} {
		if r.Header.Get(passedOn) != "" {
			return errors.New("the request was passed on by a proxy, so it may come from anywhere: set token in the server block")
		}
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil && host != "localhost" {
		return fmt.Errorf("the request is for the host %q: without a token use an IP address or localhost", host)
	}
	return nil
}

// decode reads the one JSON object of a body; it answers what is none.
func (h *handler) decode(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		err = errors.New("there is more than one value")
	}
	switch _, tooLarge := errors.AsType[*http.MaxBytesError](err); {
	case err == nil:
		return true
	case tooLarge:
		h.answer(w, http.StatusRequestEntityTooLarge, problem{fmt.Sprintf("the body is longer than %d bytes", maxBody)})
	case errors.Is(err, io.EOF):
		h.answer(w, http.StatusBadRequest, problem{"the body is empty: send a JSON object, such as {}"})
	default:
		h.answer(w, http.StatusBadRequest, problem{"the body is not what is asked for: " + err.Error()})
	}
	return false
}
