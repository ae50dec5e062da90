package qd

import (
	"encoding"
	"encoding/binary"
	"fmt"
)

// A Saver has a state that can be saved and loaded, so that what follows is the same to the bit.
// Every archive and emitter of this package is one. A state is loaded into a value that was made
// with the same options.
type Saver interface {
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// A codec writes values to buf, or reads them from it: one function describes both directions.
type codec struct {
	buf     []byte
	reading bool
	err     error
}

// save appends what f describes.
func save(dst []byte, f func(*codec)) ([]byte, error) {
	c := &codec{buf: dst}
	f(c)
	return c.buf, c.err
}

// load reads what f describes; all of data must be used.
func load(data []byte, what string, f func(*codec)) error {
	c := &codec{buf: data, reading: true}
	f(c)
	if c.err == nil && len(c.buf) != 0 {
		c.fail("%d bytes too many", len(c.buf))
	}
	if c.err != nil {
		return fmt.Errorf("qd: state of %s: %w", what, c.err)
	}
	return nil
}

func (c *codec) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// check fails a state that was read and is not of this shape.
func (c *codec) check(ok bool) {
	if c.reading && !ok {
		c.fail("it is damaged, or of other options")
	}
}

// fixed is a value or slice of fixed-size numbers whose length both sides know.
func (c *codec) fixed(p any) {
	switch {
	case c.err != nil:
	case c.reading:
		n, err := binary.Decode(c.buf, binary.LittleEndian, p)
		if err != nil {
			c.fail("it is cut off")
			return
		}
		c.buf = c.buf[n:]
	default:
		c.buf, c.err = binary.Append(c.buf, binary.LittleEndian, p)
	}
}

// int is a number.
func (c *codec) int(v *int) {
	x := int64(*v)
	c.fixed(&x)
	*v = int(x)
}

// vary is a slice whose length is part of the state.
func vary[T any](c *codec, x *[]T) {
	var one T
	n := uint64(len(*x))
	c.fixed(&n)
	if c.reading {
		if c.err != nil || n > uint64(len(c.buf)/max(binary.Size(one), 1)) {
			c.fail("it is cut off")
			return
		}
		*x = make([]T, n)
	}
	c.fixed(*x)
}

// saver is the state of a part.
func (c *codec) saver(part any) {
	s, ok := part.(Saver)
	if !ok {
		c.fail("%T cannot be saved: it is no qd.Saver", part)
		return
	}
	var data []byte
	if !c.reading {
		data, c.err = s.AppendBinary(nil)
	}
	vary(c, &data)
	if c.reading && c.err == nil {
		c.err = s.UnmarshalBinary(data)
	}
}

func (a *Cells) state(c *codec) {
	c.fixed(a.slot)
	c.fixed(a.threshold)
	c.fixed(a.visits)
	c.fixed(&a.beyond)
	vary(c, &a.sol)
	vary(c, &a.objective)
	vary(c, &a.measures)
	vary(c, &a.cell)
	n := len(a.objective)
	c.check(len(a.sol) == n*a.dim && len(a.measures) == n*a.part.Measures() && len(a.cell) == n)
	full := 0
	for _, s := range a.slot {
		c.check(int(s) < n)
		if s >= 0 {
			full++
		}
	}
	c.check(full == n)
}

// AppendBinary appends the elites and thresholds.
func (a *Cells) AppendBinary(dst []byte) ([]byte, error) { return save(dst, a.state) }

// UnmarshalBinary loads a state of AppendBinary.
func (a *Cells) UnmarshalBinary(data []byte) error { return load(data, "cells", a.state) }

func (s *cmaES) state(c *codec) {
	for _, x := range [][]float64{s.mean, s.pc, s.ps, s.c.Data, s.l.Data} {
		c.fixed(x)
	}
	c.fixed(&s.sigma)
	c.int(&s.generation)
	c.int(&s.factorised)
	c.fixed(&s.failed)
}

func (e *Evolution) state(c *codec) {
	e.es.state(c)
	c.fixed(&e.started)
	vary(c, &e.direction)
	c.int(&e.restarts)
}

// AppendBinary appends the distribution.
func (e *Evolution) AppendBinary(dst []byte) ([]byte, error) { return save(dst, e.state) }

// UnmarshalBinary loads a state of AppendBinary.
func (e *Evolution) UnmarshalBinary(data []byte) error { return load(data, "evolution", e.state) }

func stateless(*codec) {}

// AppendBinary appends nothing: there is no state.
func (e *Gaussian) AppendBinary(dst []byte) ([]byte, error) { return dst, nil }

// UnmarshalBinary accepts nothing but that.
func (e *Gaussian) UnmarshalBinary(data []byte) error { return load(data, "gaussian", stateless) }

// AppendBinary appends nothing: there is no state.
func (e *IsoLine) AppendBinary(dst []byte) ([]byte, error) { return dst, nil }

// UnmarshalBinary accepts nothing but that.
func (e *IsoLine) UnmarshalBinary(data []byte) error { return load(data, "isoline", stateless) }

var (
	_ Saver = (*Cells)(nil)
	_ Saver = (*Evolution)(nil)
	_ Saver = (*Gaussian)(nil)
	_ Saver = (*IsoLine)(nil)
)
