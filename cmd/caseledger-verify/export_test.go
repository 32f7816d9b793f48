package main

// Run is the program as a function, for its transcript tests.
var Run = run
