using System.CommandLine;
using System.Text.Json;
using Lorq.Reports;
using Lorq.Sites;
using Lorq.Specs;
using Spectre.Console;

namespace Lorq.Cli;

/// <summary><c>lorq inspect</c>.</summary>
internal static class InspectCommand
{
    /// <summary>Weights that are left alone and smaller than this share of the file are summed up in one line.</summary>
    private const double ShownShare = 0.001;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        var model = new Argument<string>("model") { Description = "The ONNX model." };
        var specFile = new Option<string?>("--spec") { Description = "A spec file whose exclusions apply.", HelpName = "file" };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new ExampleCommand(
            "inspect",
            "Lists every weight that can be compressed, with its size and effective rank, and for every other weight the reason why not.",
            """
            lorq inspect model.onnx
            lorq inspect model.onnx --json
            """
        )
        {
            model,
            specFile,
            json,
        };
        command.SetAction(
            (parsed, cancellationToken) =>
            {
                CompressionSpec spec = parsed.GetValue(specFile) is { } file ? SpecParser.Parse(file) : new CompressionSpec();
                IReadOnlyList<InspectionRow> rows = Inspection.Run(parsed.GetValue(model)!, spec, cancellationToken);
                if (parsed.GetValue(json))
                {
                    Console.WriteLine(JsonSerializer.Serialize(rows, Json));
                }
                else
                {
                    Write(AnsiConsole.Console, rows);
                }
                return Task.FromResult(0);
            }
        );
        return command;
    }

    private static void Write(IAnsiConsole console, IReadOnlyList<InspectionRow> rows)
    {
        InspectionRow[] sites = [.. rows.Where(r => r.Reason.Length == 0)];
        InspectionRow[] alone = [.. rows.Where(r => r.Reason.Length > 0 && r.Share >= ShownShare)];
        InspectionRow[] rest = [.. rows.Where(r => r.Reason.Length > 0 && r.Share < ShownShare)];
        Table table = new Table().Border(TableBorder.Simple).AddColumns("site", "kind", "K×N");
        foreach (string column in new[] { "bytes", "of file", "eff. rank" })
        {
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap());
        }
        foreach (InspectionRow r in sites)
        {
            table.AddRow(
                Markup.Escape(r.Name),
                r.Kind,
                r.Shape,
                Figures.Bytes(r.Bytes),
                Figures.Percent(r.Share),
                Figures.OneDecimal(r.EffectiveRank ?? 0)
            );
        }
        console.Write(table);
        console.MarkupLineInterpolated(
            $"{sites.Length} sites, {Figures.Bytes(sites.Sum(s => s.Bytes))}, {Figures.Percent(sites.Sum(s => s.Share))} of the file. Effective rank: (Σσ²)²/Σσ⁴."
        );
        if (alone.Length > 0)
        {
            Table left = new Table()
                .Border(TableBorder.Simple)
                .AddColumns("left alone", "read by")
                .AddColumn(new TableColumn("bytes").RightAligned());
            left.AddColumn("reason");
            foreach (InspectionRow r in alone)
            {
                left.AddRow(Markup.Escape($"{r.Name} {r.Shape}"), Markup.Escape(r.Kind), Figures.Bytes(r.Bytes), Markup.Escape(r.Reason));
            }
            console.Write(left);
        }
        if (rest.Length > 0)
        {
            console.MarkupLineInterpolated(
                $"{rest.Length} more weights, {Figures.Bytes(rest.Sum(r => r.Bytes))} together, are left alone; --json lists them with their reasons."
            );
        }
    }
}
