package env

// A Layer is something about a world that its picture leaves out.
type Layer uint8

const (
	LayerContacts Layer = iota // where bodies touch, as RoleHazard
	LayerJoints                // what holds bodies together, as RoleJoint
	LayerForces                // forces at contacts and motions of bodies, as RoleForce and RoleSensor
)

// A Detailed is an Env that can show what its picture leaves out.
type Detailed interface {
	// Inspect draws a layer over the picture. It does not call View.
	Inspect(c Canvas, l Layer)
}

// An Inspector shows what the picture of a world of a Vec leaves out. The result of NewVec is
// one; layers that the worlds do not have are empty.
type Inspector interface {
	Inspect(c Canvas, world int, l Layer)
}

// Inspect draws a layer of a world, if it has any.
func (p *pool) Inspect(c Canvas, world int, l Layer) {
	if d, ok := p.envs[world].(Detailed); ok {
		d.Inspect(c, l)
	}
}

var _ Inspector = (*pool)(nil)
