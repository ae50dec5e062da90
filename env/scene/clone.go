package scene

import "slices"

// Clone returns a copy of s that shares nothing with it.
func (s *Scene) Clone() *Scene {
	c := *s
	c.Bodies = slices.Clone(s.Bodies)
	for i := range c.Bodies {
		b := &c.Bodies[i]
		b.Shapes = slices.Clone(b.Shapes)
		for k := range b.Shapes {
			b.Shapes[k].Points = slices.Clone(b.Shapes[k].Points)
		}
	}
	c.Joints = slices.Clone(s.Joints)
	for i := range c.Joints {
		j := &c.Joints[i]
		j.Limits, j.Motor = clonePointer(j.Limits), clonePointer(j.Motor)
	}
	c.Grounds = slices.Clone(s.Grounds)
	for i := range c.Grounds {
		c.Grounds[i].Points = slices.Clone(c.Grounds[i].Points)
	}
	c.Thrusters, c.Rays, c.Goals = slices.Clone(s.Thrusters), slices.Clone(s.Rays), slices.Clone(s.Goals)
	c.View = clonePointer(s.View)
	return &c
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}
