//go:build box2dcpp

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
	int links;
	float x[32], y[32]; // of the links' middles, m
	float half, radius; // of a capsule, m
	float mass, inertia, friction;
} chain_scene;

typedef struct chain_worlds chain_worlds;

chain_worlds* chain_new(const chain_scene* s, int worlds, int every);
void chain_step(chain_worlds* c, float dt, int velocity, int position, int every);
float chain_height(chain_worlds* c, int world, int link);
void chain_free(chain_worlds* c);

#ifdef __cplusplus
}
#endif
