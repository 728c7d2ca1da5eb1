using System.Globalization;
using System.Text;
using Lorq.Benchmarks.Judges;

namespace Lorq.Benchmarks;

/// <summary>The bars of file size and loss, with plain RTN of the same compiler at the same bytes beside them.</summary>
internal static class QualityBenchmark
{
    private sealed record Row(string Model, string Target, string Budget, double Limit, string Peer);

    private static readonly Row[] Rows =
    [
        new("minilm", "ort", "14666000", 0.0028, "0.0294"),
        new("minilm", "ort", "12299000", 0.0088, "0.0533"),
        new("minilm", "ort", "10000000", 0.034, "–"),
        new("pygpt", "ort", "4683000", 1.0015, "1.0282"),
        new("pygpt", "ort", "4006000", 1.0080, "1.0455"),
        new("pygpt", "ort", "3400000", 1.030, "–"),
        new("ppocr", "ort", "25%", 0.005, "+0.003 at 29 %"),
        new("ppocr", "onnx", "25%", 0.005, "+0.003 at 29 %"),
    ];

    public static int Run(string shared, string? only)
    {
        var text = new StringBuilder(
            """
            # Quality at a byte budget

            Development data of the three models, judged in the terms of each task (see `tests/Benchmarks/Judges`). *RTN* is this compiler
            with `--methods rtn` under the same budget and target: the same menu and solver, plain rounding. *Peer* is the best of ONNX
            Runtime's own quantizers at that size. Reproduce with `dotnet run -c Release --project tests/Benchmarks -- quality`.

            | model | target | file at most | written | loss at most | loss | RTN, same bytes | peer | seconds | peak memory | |
            |---|---|---|---|---|---|---|---|---|---|---|

            """
        );
        var judges = new Dictionary<string, IJudge>();
        bool passed = true;
        foreach (Row row in Rows.Where(r => only is null || r.Model == only))
        {
            if (!judges.TryGetValue(row.Model, out IJudge? judge))
            {
                judges.Add(row.Model, judge = Folders.Judge(shared, row.Model));
                Console.WriteLine(Original(judge));
            }
            double zero = judge is RecognizerJudge ? judge.Judge(judge.Original) : 0;
            Compressed? own = Compressed.Make(judge, row.Budget, row.Target);
            Compressed? plain = Compressed.Make(judge, row.Budget, row.Target, "--methods", "rtn");
            long limit = row.Budget.EndsWith('%')
                ? new FileInfo(judge.Original).Length * long.Parse(row.Budget.TrimEnd('%'), CultureInfo.InvariantCulture) / 100
                : long.Parse(row.Budget, CultureInfo.InvariantCulture);
            bool ok = own is not null && own.Bytes <= limit && own.Figure - zero <= row.Limit;
            passed &= ok;
            string sign = zero > 0 ? "+" : "";
            string line =
                $"| {row.Model} | {row.Target} | {Compressed.Number(limit)} | {(own is null ? "–" : Compressed.Number(own.Bytes))} | {sign}{row.Limit} "
                + $"| {Show(own, zero, sign)} | {Show(plain, zero, sign)} | {row.Peer} | {own?.Seconds:F0} | {own?.PeakBytes / 1e9:F2} GB | {(ok ? "met" : "**missed**")} |";
            Console.WriteLine(line);
            text.AppendLine(line);
            own?.Delete();
            plain?.Delete();
        }
        text.AppendLine()
            .AppendLine(
                "Loss: 1 − mean cosine of sentence embeddings (minilm), perplexity over the original's (pygpt), character error rate above fp32 (ppocr)."
            );
        if (only is null)
        {
            Folders.WriteResult("quality.md", text.ToString());
        }
        return passed ? 0 : 1;
    }

    private static string Show(Compressed? c, double zero, string sign) =>
        c is null ? "–" : (c.Figure >= zero ? sign : "") + Compressed.Digits(c.Figure - zero);

    private static string Original(IJudge judge) =>
        judge switch
        {
            SentenceJudge s => $"minilm in fp32: mean reciprocal rank at 10 {s.Retrieval(s.Original):F3} (README: 0.507)",
            PerplexityJudge p => $"pygpt in fp32: {p.LogLoss(p.Original):F3} nats (README: 2.898)",
            RecognizerJudge r =>
                $"ppocr in fp32: character error rate {r.Read(r.Original).ErrorRate:F4}, exact {r.Read(r.Original).Exact:P1} (README: 0.032, 86 %)",
            _ => "",
        };
}
