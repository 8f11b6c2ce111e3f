// SPDX-License-Identifier: Apache-2.0

package sdk_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/klamm-io/klamm/sdk"
)

const hunter = sdk.Secret("hunter2")

// holders are the shapes in which a secret may come to be printed.
func holders() map[string]any {
	type nested struct{ In struct{ Password sdk.Secret } }
	n := nested{}
	n.In.Password = hunter
	pointer := hunter
	return map[string]any{
		"alone":            hunter,
		"pointer":          &pointer,
		"struct":           struct{ Password sdk.Secret }{hunter},
		"pointer to both":  &struct{ Password *sdk.Secret }{&pointer},
		"nested":           n,
		"pointer, nested":  &n,
		"map":              map[string]sdk.Secret{"password": hunter},
		"slice":            []sdk.Secret{hunter},
		"array":            [1]sdk.Secret{hunter},
		"values":           sdk.Values{"sasl": []sdk.Values{{"password": hunter}}},
		"sasl":             sdk.SASL{Mechanism: "plain", Password: hunter, SecretKey: hunter, SessionToken: hunter},
		"cluster":          &sdk.Cluster{Name: "east", SASL: &sdk.SASL{Password: hunter}},
		"schema's default": sdk.SchemaOf(defaults()),
		"wire form":        sdk.Encode(defaults(), defaults()),
		"interface":        []any{hunter, &pointer},
	}
}

// leaks reports whether text has the secret, plain or in hexadecimal.
func leaks(text string) bool {
	lower := strings.ToLower(text)
	return strings.Contains(lower, "hunter2") || strings.Contains(lower, fmt.Sprintf("%x", "hunter2")) ||
		strings.Contains(lower, fmt.Sprintf("% x", "hunter2")) || strings.Contains(lower, "0x68, 0x75")
}

func TestSecretIsPrintedNowhere(t *testing.T) {
	for name, v := range holders() {
		t.Run(name, func(t *testing.T) {
			var out []string
			for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%+q", "%s", "%x", "%X", "% x", "%#x", "%d", "%t", "%10.3s", "%c", "%U", "%b"} {
				out = append(out, fmt.Sprintf(verb, v))
			}
			out = append(out, fmt.Sprint(v), fmt.Sprintln(v), fmt.Errorf("connecting: %v", v).Error(), fmt.Sprint(errors.Join(fmt.Errorf("%+v", v))))
			raw, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(raw))
			var log bytes.Buffer
			slog.New(slog.NewTextHandler(&log, nil)).Info("config", "v", v, slog.Group("g", "v", v))
			slog.New(slog.NewJSONHandler(&log, nil)).Info("config", "v", v, slog.Group("g", "v", v))
			out = append(out, log.String())
			for _, text := range out {
				if leaks(text) {
					t.Errorf("printed: %s", text)
				}
			}
		})
	}
}

func TestSecretPrintsAsStars(t *testing.T) {
	if got := fmt.Sprintf("%v %s %q %#v", hunter, hunter, hunter, hunter); got != "*** *** *** ***" {
		t.Errorf("got %s", got)
	}
	raw, err := xml.Marshal(hunter)
	if err != nil || leaks(string(raw)) || !strings.Contains(string(raw), "***") {
		t.Errorf("XML %s, %v", raw, err)
	}
	if hunter.Reveal() != "hunter2" {
		t.Error("Reveal lost the secret")
	}
}
