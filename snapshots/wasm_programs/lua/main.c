/* Executes the Lua program on the standard input, with the libraries that need no files. */
#include <stdio.h>
#include <stdlib.h>

#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

static char source[1 << 16];

/* Ends the program with the message of an error: see setjmp.h. */
_Noreturn void error_ends_the_program(lua_State *L) {
    fprintf(stderr, "error: %s\n", lua_tostring(L, -1));
    exit(1);
}

int main(void) {
    static const luaL_Reg libraries[] = {
        {"_G", luaopen_base},     {"math", luaopen_math}, {"string", luaopen_string},
        {"table", luaopen_table}, {"utf8", luaopen_utf8},
    };
    size_t length = fread(source, 1, sizeof source, stdin);
    lua_State *L = luaL_newstate();
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }
    if (luaL_loadbuffer(L, source, length, "=input") != LUA_OK || lua_pcall(L, 0, 0, 0) != LUA_OK)
        error_ends_the_program(L);
    lua_close(L);
    return 0;
}
