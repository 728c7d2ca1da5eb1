using Lorq.Benchmarks.Judges;

namespace Lorq.Benchmarks;

/// <summary>Plain RTN in the peers' format must land on what the peers reach: a check that judge, format and rounding agree.</summary>
internal static class RtnBenchmark
{
    public static int Run(string shared)
    {
        bool agreed = true;
        foreach (
            (string model, string block, double peer) in new[]
            {
                ("minilm", "32", 0.0294),
                ("minilm", "128", 0.0533),
                ("pygpt", "32", 1.0282),
                ("pygpt", "64", 1.0374),
                ("pygpt", "128", 1.0455),
            }
        )
        {
            IJudge judge = Folders.Judge(shared, model);
            Compressed? c = MethodsBenchmark.Uniform(judge, "4", "rtn", block: block, scales: "fp32");
            double zero = judge is PerplexityJudge ? 1 : 0;
            bool ok = c is not null && Math.Abs((c.Figure - zero) / (peer - zero) - 1) < 0.25;
            agreed &= ok;
            Console.WriteLine(
                $"{model} 4 bits block {block}: {c?.Bytes} bytes, {c?.Figure:F4}, peer {peer:F4}: {(ok ? "agrees" : "differs")}"
            );
            c?.Delete();
        }
        return agreed ? 0 : 1;
    }
}
