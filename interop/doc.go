// Package interop checks what caseledger writes, and what it can be deployed with, by tools and libraries that others wrote. It is
// a module of its own and holds tests only, so that these tools stay out of the product's module graph.
package interop
