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
	triangles int // of the last picture
}

// Reset begins a picture.
func (c *card) Reset(size image.Point) {
	if c.Mesh == nil {
		c.Mesh = mesh.New()
		c.atlas = ebiten.NewImage(mesh.AtlasSize, mesh.AtlasSize)
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
		on.DrawTriangles(c.vertices, b.Indices, c.atlas, &plain)
		c.triangles += len(b.Indices) / 3
	}
}

// plain says that vertices hold colours multiplied by their alpha.
var plain = ebiten.DrawTrianglesOptions{ColorScaleMode: ebiten.ColorScaleModePremultipliedAlpha}

var _ playback.Surface = (*card)(nil)
