# A text as an array of bytes in C: cmake -DTEXT=page.html -DNAME=symbol -DTO=page_html.c -P embed.cmake

file(READ ${TEXT} BYTES HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," BYTES "${BYTES}")
file(WRITE ${TO} "extern const char ${NAME}[];\nconst char ${NAME}[] = {${BYTES}0};\n")
