// Package standard registers the environments, agents and rewards of this module. Programs
// import it for its effect.
package standard
