/* In place of the C library's: WASI has no setjmp, so an error of a Lua program ends it. Lua takes these three macros
   instead of its own. */
struct lua_State;
_Noreturn void error_ends_the_program(struct lua_State *L);

#define luai_jmpbuf int
#define LUAI_THROW(L, c) error_ends_the_program(L)
#define LUAI_TRY(L, c, a) \
    { a }
