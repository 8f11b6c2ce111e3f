// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/klamm-io/klamm/sdk"
)

// Server serves metrics, health and status over HTTP, and takes a few changes.
type Server struct {
	listener net.Listener
	http     *http.Server
}

// ServerOptions are what a Server needs beside its address.
type ServerOptions struct {
	Snapshot Snapshot
	Control  Control
	Reloads  func() Reloads
	// Token is what changes need; empty restricts them to this machine.
	Token func() sdk.Secret
	Log   *slog.Logger
	// Version is shown in klamm_build_info.
	Version string
}

// Listen binds the address (host:port; port 0 picks a free one). Requests are
// answered once Serve runs.
func Listen(ctx context.Context, address string, o ServerOptions) (*Server, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", address, err)
	}
	return &Server{listener: l, http: &http.Server{
		Handler:           newHandler(o),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}}, nil
}

// Addr is the address that is bound.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Serve answers requests until ctx ends, and gives those under way a moment to
// finish.
func (s *Server) Serve(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(s.listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serving %s: %w", s.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	err := s.http.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	<-ended
	return err
}
