package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// defaultPatience is how long a registry may keep silent.
const defaultPatience = time.Minute

// silence ends a request when nothing is heard for too long.
type silence struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc
	timer    *time.Timer
	patience time.Duration
}

// watch gives a context that ends when heard is not called for as long as the client's patience lasts.
func (c *Client) watch(parent context.Context) (context.Context, *silence) {
	s := &silence{patience: c.Patience}
	if s.patience <= 0 {
		s.patience = defaultPatience
	}
	s.ctx, s.cancel = context.WithCancelCause(parent)
	s.timer = time.AfterFunc(s.patience, func() {
		s.cancel(fmt.Errorf("the registry has been silent for %s: try again later", s.patience))
	})
	return s.ctx, s
}

func (s *silence) heard() { s.timer.Reset(s.patience) }

func (s *silence) stop() {
	s.timer.Stop()
	s.cancel(nil)
}

// explain is why the context ended, where that is what err is about.
func (s *silence) explain(err error) error {
	if cause := context.Cause(s.ctx); errors.Is(err, context.Canceled) && cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// watched is a body that may not fall silent.
type watched struct {
	io.ReadCloser
	silence *silence
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if n > 0 {
		w.silence.heard()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = w.silence.explain(err)
	}
	return n, err
}

func (w *watched) Close() error {
	defer w.silence.stop()
	return w.ReadCloser.Close()
}
