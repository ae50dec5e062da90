package vulkan

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/shaders/engine"
)

// scenes is how the worlds of an environment lie in the memory of kernels, in each of the scenes that
// they may have. A world has room for any of them and notes which it has; kernels read what is fixed
// from that scene's part of the table, so that worlds of different scenes are stepped together.
type scenes struct {
	host  env.MultiScene // nil where there is one scene only
	links []*linker      // of each scene
	state int            // words of a world's memory, without what is in use during a step only
	words int            // of a world's memory
	table image          // of all scenes
	part  int            // words of the table that a scene has
	rest  int            // where in these it has what begins the memory behind the state; zeros follow
	nrest int            // words of that

	crowded bool // the physics may have more rows than kernels solve for
}

// newScenes lays out the worlds of e, in each of the scenes that it has.
func newScenes(l *engine.Layout, s *env.Spec, e env.Env) (*scenes, error) {
	c, n := &scenes{}, 1
	if m, ok := e.(env.MultiScene); ok && m.Scenes() > 1 {
		c.host, n = m, m.Scenes()
		defer m.SetScene(m.Scene())
	}
	for i := range n {
		if c.host != nil {
			c.host.SetScene(i)
		}
		k, err := link(l, s, e, c.host != nil)
		if err != nil {
			return nil, err
		}
		c.links = append(c.links, k)
		c.state = max(c.state, len(k.local))
	}
	for _, k := range c.links {
		if err := k.finish(c.state); err != nil {
			return nil, err
		}
		c.words, c.rest = max(c.words, len(k.local)), max(c.rest, len(k.table))
		for j, w := range k.local[c.state:] {
			if w != 0 {
				c.nrest = max(c.nrest, j+1)
			}
		}
		c.crowded = c.crowded || k.crowded
	}
	c.part = c.rest + c.nrest
	for i, k := range c.links {
		k.base = uint32(i * c.part)
		k.local[wordScene] = k.base
		k.local.grow(c.words - len(k.local))
		begin := len(c.table)
		c.table.grow(c.part)
		copy(c.table[begin:], k.table)
		copy(c.table[begin+c.rest:], k.local[c.state:c.state+c.nrest])
		for _, field := range []string{"Obs", "Act", "Next", "Facts", "End"} {
			if k.row(field) != c.links[0].row(field) {
				return nil, fmt.Errorf("the rows of a batch lie elsewhere in scene %d than in the first", i)
			}
		}
	}
	return c, nil
}

// current returns the layout of the scene that the host's world has.
func (c *scenes) current() *linker {
	if c.host == nil {
		return c.links[0]
	}
	return c.links[c.host.Scene()]
}

// at returns the layout of the scene whose table begins at base.
func (c *scenes) at(base uint32) *linker {
	if c.host == nil {
		return c.links[0]
	}
	return c.links[int(base)/c.part]
}

// write makes row, the state of a world, that of the host's.
func (c *scenes) write(row []uint32) error {
	k := c.current()
	copy(row, k.local[:c.state])
	return k.upload(row)
}

// read makes the host's world what row says.
func (c *scenes) read(row []uint32) {
	k := c.at(row[wordScene])
	if c.host != nil {
		c.host.SetScene(int(row[wordScene]) / c.part)
	}
	k.download(row)
}
