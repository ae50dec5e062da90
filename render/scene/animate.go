package scene

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/gif"
	"image/png"
	"io"
	"math"
)

var errNoFrames = errors.New("a film needs at least one frame")

// A GIF collects the frames of an animated GIF.
type GIF struct {
	frames
	fps float64
}

// NewGIF returns an empty GIF of fps frames a second in the colours of t.
func NewGIF(fps float64, t *Theme) *GIF { return &GIF{newFrames(t), fps} }

// Encode writes the GIF, which plays for ever.
func (g *GIF) Encode(w io.Writer) error {
	if len(g.list) == 0 {
		return errNoFrames
	}
	out := &gif.GIF{Config: image.Config{ColorModel: g.palette, Width: g.size.X, Height: g.size.Y}}
	at, shownTo := 0, 0 // frames so far, and hundredths of a second so far
	for _, f := range g.list {
		at += f.shown
		end := int(math.Round(100 * float64(at) / g.fps))
		out.Image = append(out.Image, f.img)
		// Players take less than two hundredths for a mistake and slow down.
		out.Delay = append(out.Delay, max(2, end-shownTo))
		out.Disposal = append(out.Disposal, gif.DisposalNone)
		shownTo = max(end, shownTo+2)
	}
	return gif.EncodeAll(w, out)
}

// An APNG collects the frames of an animated PNG: an ordinary PNG of the first frame with
// control chunks before it and further frames behind, which programs that do not know of them
// skip. See https://www.w3.org/TR/png-3/#apng-frame-based-animation.
type APNG struct {
	frames
	fps float64
}

// NewAPNG returns an empty APNG of fps frames a second in the colours of t.
func NewAPNG(fps float64, t *Theme) *APNG { return &APNG{newFrames(t), fps} }

// Encode writes the APNG, which plays for ever. Of a single frame it makes a plain PNG.
func (a *APNG) Encode(w io.Writer) error {
	if len(a.list) == 0 {
		return errNoFrames
	}
	out := &chunkWriter{w: w}
	sequence := uint32(0)
	for i, f := range a.list {
		chunks, err := pngChunks(f.img)
		if err != nil {
			return err
		}
		if i == 0 {
			out.raw(pngMagic)
			out.chunk("IHDR", chunks["IHDR"])
			if len(a.list) > 1 {
				out.chunk("acTL", binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(len(a.list))), 0))
			}
			out.chunk("PLTE", chunks["PLTE"])
			out.chunk("tRNS", chunks["tRNS"])
		}
		if len(a.list) > 1 {
			out.chunk("fcTL", a.control(sequence, f))
			sequence++
		}
		if i == 0 {
			out.chunk("IDAT", chunks["IDAT"])
			continue
		}
		out.chunk("fdAT", append(binary.BigEndian.AppendUint32(nil, sequence), chunks["IDAT"]...))
		sequence++
	}
	out.chunk("IEND", nil)
	return out.err
}

// control returns an fcTL chunk: place, duration, and that the frame is laid over the last.
func (a *APNG) control(sequence uint32, f frame) []byte {
	r := f.img.Rect
	var b []byte
	for _, v := range []int{int(sequence), r.Dx(), r.Dy(), r.Min.X, r.Min.Y} {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	milliseconds := math.Round(1000 * float64(f.shown) / a.fps)
	b = binary.BigEndian.AppendUint16(b, uint16(min(milliseconds, math.MaxUint16)))
	b = binary.BigEndian.AppendUint16(b, 1000)
	const keep, over = 0, 1
	return append(b, keep, over)
}

var pngMagic = []byte("\x89PNG\r\n\x1a\n")

// pngChunks encodes img as a PNG and returns its chunks, those of the same type joined.
func pngChunks(img *image.Paletted) (map[string][]byte, error) {
	var buf bytes.Buffer
	// Encoded from the origin; where the frame lies is said by its control chunk.
	moved := *img
	moved.Rect = moved.Rect.Sub(moved.Rect.Min)
	if err := (&png.Encoder{CompressionLevel: png.DefaultCompression}).Encode(&buf, &moved); err != nil {
		return nil, err
	}
	chunks := map[string][]byte{}
	for b := buf.Bytes()[len(pngMagic):]; len(b) >= 12; {
		n := binary.BigEndian.Uint32(b)
		kind := string(b[4:8])
		chunks[kind] = append(chunks[kind], b[8:8+n]...)
		b = b[12+n:]
	}
	return chunks, nil
}

// A chunkWriter writes PNG chunks until the first error.
type chunkWriter struct {
	w   io.Writer
	err error
}

func (c *chunkWriter) raw(b []byte) {
	if c.err == nil {
		_, c.err = c.w.Write(b)
	}
}

func (c *chunkWriter) chunk(kind string, data []byte) {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	c.raw(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:])))
}
