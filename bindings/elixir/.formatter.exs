[
  inputs: [
    "{mix,native,.formatter}.exs",
    "{lib,lib_nx,test,test_nx}/**/*.{ex,exs}",
    "../../examples/elixir/*.{ex,exs}"
  ],
  line_length: 98
]
