using Lorq.Diagnostics;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace Lorq.Build;

/// <summary>
/// Looks at every model of a project: is the item sound, and are its results what they would be if they were made now? Costs a look at
/// each file's time; contents are hashed only where a time has moved.
/// </summary>
public sealed class CheckModels : ModelsTask
{
    /// <summary>The compiler: its version, or the path of its assembly.</summary>
    [Required]
    public string Compiler { get; set; } = "";

    /// <summary>True in an editor's build: no model is compressed, and what is wrong with an item waits for a real build.</summary>
    public bool IsDesignTime { get; set; }

    /// <summary>False where no class is made for a model, so that none can be claimed twice.</summary>
    public bool MakesClasses { get; set; } = true;

    /// <summary>The models whose files must be made.</summary>
    [Output]
    public ITaskItem[] Stale { get; private set; } = [];

    /// <inheritdoc />
    public override bool Execute()
    {
        var stale = new List<ITaskItem>();
        var links = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var folders = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var classes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((ITaskItem item, bool isCompressed) in Items)
        {
            try
            {
                ModelItem model = Model(item, isCompressed);
                if (!File.Exists(model.Model))
                {
                    throw Catalogue.ItemWithoutModel.With(item.ItemSpec);
                }
                Claim(links, model.Link, item.ItemSpec, "file");
                Claim(folders, model.Folder, item.ItemSpec, "folder of results");
                // Without a name of its own a class is called as the generator calls it, which is the same for files of the same name.
                string name = model.ClassName.Length > 0 ? model.ClassName : Path.GetFileNameWithoutExtension(model.Model);
                if (MakesClasses)
                {
                    Claim(classes, model.Namespace + "." + name, item.ItemSpec, "class");
                }
                if (!IsDesignTime)
                {
                    foreach ((string metadata, string meant) in ModelItem.Misspelt(item))
                    {
                        Warn(item, Catalogue.MisspeltMetadata.With(metadata, item.ItemSpec, meant));
                    }
                }
                if (IsStale(model))
                {
                    var marked = new TaskItem(item);
                    marked.SetMetadata("LorqLink", model.Link);
                    marked.SetMetadata("LorqIsCompressed", isCompressed ? "true" : "false");
                    marked.SetMetadata("DefiningProjectFile", item.GetMetadata("DefiningProjectFullPath"));
                    stale.Add(marked);
                }
            }
            catch (BuildException) when (IsDesignTime)
            {
                // An editor asks again after each change.
            }
            catch (BuildException e)
            {
                Report(item, e);
            }
        }
        Stale = [.. stale];
        return !Log.HasLoggedErrors;
    }

    private bool IsStale(ModelItem model)
    {
        Stamp? stamp = Stamp.Read(model.StampFile);
        return IsDesignTime
            ? stamp is null || !File.Exists(model.Manifest) || !stamp.Covers(model.Model)
            : stamp is null || !stamp.IsCurrent(model.StampFile, CompilerRun.Key(model.Request(false), Compiler));
    }

    private static void Claim(Dictionary<string, string> claims, string name, string item, string kind)
    {
        if (claims.TryGetValue(name, out string? other))
        {
            throw Catalogue.ItemsCollide.With(other, item, kind, name.TrimStart('.'));
        }
        claims[name] = item;
    }
}
