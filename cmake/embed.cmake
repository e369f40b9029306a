# Texts, one after the other, as an array of bytes in C: cmake "-DTEXT=a.html;b.html" -DNAME=symbol -DTO=a.c -P embed.cmake

foreach(file ${TEXT})
    file(READ ${file} HEX_OF_ONE HEX)
    string(APPEND BYTES ${HEX_OF_ONE})
endforeach()
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," BYTES "${BYTES}")
file(WRITE ${TO} "extern const char ${NAME}[];\nconst char ${NAME}[] = {${BYTES}0};\n")
