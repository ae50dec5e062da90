// Package experiments holds what is run: the program (lab is the library, terrarium the
// command), experiment files (configs), statistics of their results (stats), and tests of the
// repository as a whole.
package experiments
