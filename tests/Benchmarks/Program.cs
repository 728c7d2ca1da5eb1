using Lorq.Benchmarks;

string? shared = Folders.Shared();
if (shared is null)
{
    Console.Error.WriteLine("The models are in '../shared' beside the repository, and that folder is absent here: nothing to measure.");
    return 2;
}
string? only = Option("--only");
switch (args.FirstOrDefault())
{
    case "quality":
        return QualityBenchmark.Run(shared, only);
    case "methods":
        return MethodsBenchmark.Run(shared, only);
    case "speed":
        return SpeedBenchmark.Run(shared);
    case "rtn-check":
        return RtnBenchmark.Run(shared);
    default:
        Console.Error.WriteLine(
            """
            Usage: dotnet run -c Release --project tests/Benchmarks -- COMMAND [--only minilm|pygpt|ppocr]

              quality    the bars of file size and loss, next to plain RTN at the same bytes; writes docs/results/quality.md
              methods    RTN, MSE clip, HQQ and GPTQ at equal bytes; writes docs/results/methods.md
              speed      run time of compressed models over fp32 and over a plain RTN file; writes docs/results/speed.md
              rtn-check  plain RTN in the peers' format against the figures the peers reach
            """
        );
        return 2;
}

string? Option(string name)
{
    int i = Array.IndexOf(args, name);
    return i >= 0 && i + 1 < args.Length ? args[i + 1] : null;
}
