//go:build box2dcpp

// Chains of capsules on C++ Box2D 2.4, for comparison. See chain.go.
#include "chain.h"

#include <box2d/box2d.h>
#include <memory>
#include <vector>

namespace {

struct World {
	b2World world;
	std::vector<b2Body*> links;
	int step = 0;

	explicit World(const chain_scene& s) : world(b2Vec2(0, -10)) {
		world.SetAllowSleeping(false);
		b2BodyDef still;
		b2Body* ground = world.CreateBody(&still);
		b2EdgeShape edge;
		edge.SetTwoSided(b2Vec2(-50, 0), b2Vec2(50, 0));
		ground->CreateFixture(&edge, 0)->SetFriction(s.friction);
		for (int i = 0; i < s.links; i++) {
			b2BodyDef def;
			def.type = b2_dynamicBody;
			def.position.Set(s.x[i], s.y[i]);
			def.allowSleep = false;
			b2Body* b = world.CreateBody(&def);
			b2CircleShape end;
			end.m_radius = s.radius;
			b2PolygonShape middle;
			middle.SetAsBox(s.half, s.radius - b2_polygonRadius);
			end.m_p.Set(-s.half, 0);
			b->CreateFixture(&end, 0)->SetFriction(s.friction);
			end.m_p.Set(s.half, 0);
			b->CreateFixture(&end, 0)->SetFriction(s.friction);
			b->CreateFixture(&middle, 0)->SetFriction(s.friction);
			b2MassData mass;
			mass.mass = s.mass;
			mass.center.SetZero();
			mass.I = s.inertia;
			b->SetMassData(&mass);
			if (i > 0) {
				b2RevoluteJointDef pin;
				pin.bodyA = links.back();
				pin.bodyB = b;
				pin.localAnchorA.Set(s.half, 0);
				pin.localAnchorB.Set(-s.half, 0);
				world.CreateJoint(&pin);
			}
			links.push_back(b);
		}
	}

	void reset(const chain_scene& s) {
		for (int i = 0; i < s.links; i++) {
			links[i]->SetTransform(b2Vec2(s.x[i], s.y[i]), 0);
			links[i]->SetLinearVelocity(b2Vec2(0, 0));
			links[i]->SetAngularVelocity(0);
		}
	}
};

}  // namespace

struct chain_worlds {
	chain_scene scene;
	std::vector<std::unique_ptr<World>> worlds;
};

chain_worlds* chain_new(const chain_scene* s, int worlds, int every) {
	auto* c = new chain_worlds;
	c->scene = *s;
	for (int i = 0; i < worlds; i++) {
		c->worlds.push_back(std::make_unique<World>(*s));
		c->worlds.back()->step = i * 37 % every;
	}
	return c;
}

void chain_step(chain_worlds* c, float dt, int velocity, int position, int every) {
	for (auto& w : c->worlds) {
		if (++w->step == every) {
			w->step = 0;
			w->reset(c->scene);
		}
		w->world.Step(dt, velocity, position);
	}
}

float chain_height(chain_worlds* c, int world, int link) { return c->worlds[world]->links[link]->GetPosition().y; }

void chain_free(chain_worlds* c) { delete c; }
