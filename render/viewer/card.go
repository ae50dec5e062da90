//go:build viewer

package main

import (
	"image"

	"github.com/hajimehoshi/ebiten/v2"

	"github.com/terrarium-rl/terrarium/render/viewer/mesh"
	"github.com/terrarium-rl/terrarium/render/viewer/playback"
)

// A card is a Surface of triangles that a graphics card draws. Its zero value is ready for use.
type card struct {
	*mesh.Mesh
	atlas     *ebiten.Image
	vertices  []ebiten.Vertex
	plain     *ebiten.Shader
	triangles int // of the last picture
}

// Reset begins a picture.
func (c *card) Reset(size image.Point) {
	if c.Mesh == nil {
		c.Mesh = mesh.New()
		c.atlas = ebiten.NewImage(mesh.AtlasSize, mesh.AtlasSize)
		var err error
		if c.plain, err = ebiten.NewShader([]byte(plainShader)); err != nil {
			panic("viewer: " + err.Error()) // it is part of the program
		}
	}
	c.Mesh.Reset(size)
}

// Size returns the size of the last picture.
func (c *card) Size() image.Point {
	if c.Mesh == nil {
		return image.Point{}
	}
	return c.Mesh.Size()
}

// prepare brings the texture up to date with what has been collected.
func (c *card) prepare() {
	r := c.Atlas.Changed
	if r.Empty() {
		return
	}
	pix := make([]byte, 0, 4*r.Dx()*r.Dy())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		at := c.Atlas.Img.PixOffset(r.Min.X, y)
		pix = append(pix, c.Atlas.Img.Pix[at:at+4*r.Dx()]...)
	}
	c.atlas.SubImage(r).(*ebiten.Image).WritePixels(pix)
	c.Atlas.Clean()
}

// A target is something to draw on.
type target interface {
	DrawTriangles([]ebiten.Vertex, []uint16, *ebiten.Image, *ebiten.DrawTrianglesOptions)
	DrawTrianglesShader([]ebiten.Vertex, []uint16, *ebiten.Shader, *ebiten.DrawTrianglesShaderOptions)
}

// draw draws what has been collected.
func (c *card) draw(on target) {
	if c.Mesh == nil {
		return
	}
	c.triangles = 0
	for _, b := range c.Batches() {
		c.vertices = c.vertices[:0]
		for i := range b.Vertices {
			v := &b.Vertices[i]
			c.vertices = append(c.vertices, ebiten.Vertex{
				DstX: v.X, DstY: v.Y, SrcX: v.U, SrcY: v.V, ColorR: v.R, ColorG: v.G, ColorB: v.B, ColorA: v.A,
			})
		}
		if b.Text {
			on.DrawTriangles(c.vertices, b.Indices, c.atlas, &text)
		} else {
			on.DrawTrianglesShader(c.vertices, b.Indices, c.plain, nil)
		}
		c.triangles += len(b.Indices) / 3
	}
}

// text says that vertices hold colours multiplied by their alpha.
var text = ebiten.DrawTrianglesOptions{ColorScaleMode: ebiten.ColorScaleModePremultipliedAlpha}

// plainShader draws what has colours alone. Without a graphics card, not to look at a texture that is
// white saves a third of the time of a picture.
const plainShader = `//kage:unit pixels
package main

func Fragment(dst vec4, src vec2, color vec4) vec4 { return color }
`

var _ playback.Surface = (*card)(nil)
