package scene

import (
	"fmt"
	"image/color"

	"github.com/terrarium-rl/terrarium/env"
)

// A Style says what shapes of one role look like. A colour of alpha 0 is not drawn.
type Style struct {
	Fill  color.NRGBA
	Edge  color.NRGBA // outline and spoke
	Line  color.NRGBA // lines too thin to be outlined
	Merge bool        // neighbours in the list become one shape, outlined as a whole
	Spoke bool        // circles show their rotation
}

// A Theme is a choice of colours. The two of this package are built on the palette of Okabe and
// Ito, which stays distinct for colour-blind readers, and differ in lightness besides hue.
type Theme struct {
	Name        string
	Top, Bottom color.NRGBA // background, blended from top to bottom
	Mat         color.NRGBA // between pictures side by side
	Text, Plate color.NRGBA // captions, and what they stand on
	Edge        float32     // width of outlines as a fraction of the picture's shorter side
	Roles       [env.Roles]Style
}

func hex(rgb uint32) color.NRGBA { return hexa(rgb, 255) }

func hexa(rgb uint32, a uint8) color.NRGBA {
	return color.NRGBA{uint8(rgb >> 16), uint8(rgb >> 8), uint8(rgb), a}
}

// Light returns the theme for paper and bright screens.
func Light() *Theme {
	t := &Theme{
		Name: "light",
		Top:  hex(0xd9e7f3), Bottom: hex(0xf8f7f2), Mat: hex(0xffffff),
		Text: hex(0x222a35), Plate: hexa(0xffffff, 110), Edge: 0.0045,
	}
	t.Roles = [env.Roles]Style{
		env.RoleGround:   {Fill: hex(0x8b857b), Edge: hex(0x4d4a45), Line: hex(0x4d4a45), Merge: true},
		env.RoleAgent:    {Fill: hex(0x2f7fc1), Edge: hex(0x123f66), Line: hex(0x2f7fc1), Spoke: true},
		env.RoleOther:    {Fill: hex(0xcc79a7), Edge: hex(0x6d2f52), Line: hex(0xcc79a7), Spoke: true},
		env.RoleLimb:     {Fill: hex(0x8fc3ea), Edge: hex(0x1f4d75), Line: hex(0x1f4d75), Spoke: true},
		env.RoleObject:   {Fill: hex(0xdcb673), Edge: hex(0x6e5220), Line: hex(0x6e5220), Spoke: true},
		env.RoleGoal:     {Fill: hex(0x00a37a), Edge: hex(0x00614a), Line: hex(0x00a37a)},
		env.RoleHazard:   {Fill: hex(0xd55e00), Edge: hex(0x7a3300), Line: hex(0xd55e00)},
		env.RoleKey:      {Fill: hex(0xf2d93b), Edge: hex(0x7d6c00), Line: hex(0x7d6c00)},
		env.RoleJoint:    {Fill: hex(0xf8f7f2), Edge: hex(0x2a333d), Line: hex(0x2a333d)},
		env.RoleForce:    {Fill: hexa(0xff9a1f, 235), Edge: hex(0xd95f0e), Line: hex(0xd95f0e)},
		env.RoleSensor:   {Fill: hexa(0x3f9bd8, 40), Edge: hexa(0x2b7fb8, 120), Line: hexa(0x2b7fb8, 120)},
		env.RoleText:     {Fill: hex(0x222a35), Edge: hex(0x222a35), Line: hex(0x222a35)},
		env.RoleBackdrop: {Fill: hex(0xc6d6e4), Edge: hexa(0x9fb4c7, 255), Line: hexa(0x9fb4c7, 255), Merge: true},
	}
	return t
}

// Dark returns the theme for dark screens.
func Dark() *Theme {
	t := &Theme{
		Name: "dark",
		Top:  hex(0x0b1220), Bottom: hex(0x22324c), Mat: hex(0x0b0f17),
		Text: hex(0xe6ecf3), Plate: hexa(0x0b1220, 150), Edge: 0.0045,
	}
	t.Roles = [env.Roles]Style{
		env.RoleGround:   {Fill: hex(0x5c6675), Edge: hex(0xa9b6c6), Line: hex(0xa9b6c6), Merge: true},
		env.RoleAgent:    {Fill: hex(0x4ea3e6), Edge: hex(0xd3eafc), Line: hex(0x4ea3e6), Spoke: true},
		env.RoleOther:    {Fill: hex(0xd98cb6), Edge: hex(0xfbe3ef), Line: hex(0xd98cb6), Spoke: true},
		env.RoleLimb:     {Fill: hex(0x2b6ca3), Edge: hex(0xb5dbf8), Line: hex(0xb5dbf8), Spoke: true},
		env.RoleObject:   {Fill: hex(0xc99f55), Edge: hex(0xf6e2b8), Line: hex(0xc99f55), Spoke: true},
		env.RoleGoal:     {Fill: hex(0x17b890), Edge: hex(0xb4f2e0), Line: hex(0x17b890)},
		env.RoleHazard:   {Fill: hex(0xe06a12), Edge: hex(0xffd0a8), Line: hex(0xe06a12)},
		env.RoleKey:      {Fill: hex(0xf0dc4a), Edge: hex(0xfff8c9), Line: hex(0xf0dc4a)},
		env.RoleJoint:    {Fill: hex(0x0f1828), Edge: hex(0xe6ecf3), Line: hex(0xe6ecf3)},
		env.RoleForce:    {Fill: hexa(0xffb24a, 235), Edge: hex(0xff8a1f), Line: hexa(0xffb24a, 235)},
		env.RoleSensor:   {Fill: hexa(0x7cc4f4, 40), Edge: hexa(0x8fd0fa, 120), Line: hexa(0x8fd0fa, 120)},
		env.RoleText:     {Fill: hex(0xe6ecf3), Edge: hex(0xe6ecf3), Line: hex(0xe6ecf3)},
		env.RoleBackdrop: {Fill: hex(0x1b2a42), Edge: hex(0x31456a), Line: hex(0x31456a), Merge: true},
	}
	return t
}

// ThemeNamed returns the theme called name: "light" or "dark".
func ThemeNamed(name string) (*Theme, error) {
	for _, t := range []*Theme{Light(), Dark()} {
		if t.Name == name {
			return t, nil
		}
	}
	return nil, fmt.Errorf("unknown theme %q, want light or dark", name)
}

// Palette returns at most 255 colours that pictures of t are made of: its own, and mixtures of
// those that meet at soft edges.
func (t *Theme) Palette() color.Palette {
	p := color.Palette{}
	seen := map[color.NRGBA]bool{}
	add := func(c color.NRGBA) {
		c.A = 255
		if !seen[c] && len(p) < 255 {
			seen[c] = true
			p = append(p, c)
		}
	}
	const steps = 28 // of the background
	for i := range steps {
		add(mix(t.Top, t.Bottom, float32(i)/(steps-1)))
	}
	add(t.Mat)
	middle := mix(t.Top, t.Bottom, 0.5)
	plate := over(middle, t.Plate)
	for _, s := range t.Roles {
		add(over(middle, s.Fill))
		add(over(middle, s.Edge))
		add(over(middle, s.Line))
	}
	for _, f := range []float32{0, 0.25, 0.5, 0.75, 1} {
		add(mix(plate, t.Text, f))
		add(mix(t.Mat, t.Text, f))
	}
	ground := t.Roles[env.RoleGround].Fill
	for _, f := range []float32{0.5, 0.25, 0.75} {
		for r, s := range t.Roles {
			add(mix(middle, over(middle, s.Edge), f))
			add(mix(s.Fill, over(s.Fill, s.Edge), f))
			if env.Role(r) != env.RoleBackdrop {
				add(mix(ground, over(ground, s.Edge), f))
			}
			add(mix(middle, over(middle, s.Fill), f))
		}
	}
	return p
}

// mix returns the colour at fraction f of the way from a to b.
func mix(a, b color.NRGBA, f float32) color.NRGBA {
	m := func(x, y uint8) uint8 { return uint8(float32(x) + (float32(y)-float32(x))*f + 0.5) }
	return color.NRGBA{m(a.R, b.R), m(a.G, b.G), m(a.B, b.B), m(a.A, b.A)}
}

// over returns c seen against an opaque background.
func over(background, c color.NRGBA) color.NRGBA {
	f := float32(c.A) / 255
	c.A = 255
	return mix(background, c, f)
}
